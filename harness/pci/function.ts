// SPDX-License-Identifier: Apache-2.0
import { type Bar, registerBar } from './bar.ts'
import { requesterId } from './bdf.ts'
import { type Behaviour, Manners } from './behaviour.ts'
import { type Capability, isPciExpress } from './capabilities.ts'
import { ALL_ONES, ConfigSpace, type Register, type Width } from './config-space.ts'
import {
  barRegisters,
  COMMAND,
  checkMsix,
  commonHeader,
  endpointHeader,
  HEADER_TYPE,
  type Identity,
  OFFSET,
  placeCapabilities,
  STATUS,
} from './header.ts'
import type { DmaMemory, Port } from './port.ts'
import { Space } from './space.ts'
import { Trace } from './trace.ts'
import { TracedMemory } from './traced-memory.ts'

export interface PciFunctionOptions extends Identity {
  /** Bus, device and function, such as `00:03.0`. */
  at: string
  /** Id of the emulator's root port (`rootPort`) that it sits behind; default: on the host bridge. */
  bus?: string
  /** The domain that serves it, for the bridge's `iommu-map` on `xen`: by default no entry, so no grants. */
  backend?: number
  /** By number, 0 to 5. */
  bars?: Record<number, Bar>
  capabilities?: Capability[]
  /** Whether it answers from the start; default yes. */
  present?: boolean
  /**
   * Its DMA goes straight into the guest's RAM, ten times as fast as by messages; a restored board then needs RAM of its own. Default no.
   */
  sharedMemory?: boolean
  onReset?: () => void
}

/** A function did DMA that its guest had not allowed. */
export class BusMasterOff extends Error {
  override readonly name = 'BusMasterOff'
}

type Kind = 'config' | 'memory'

/**
 * A PCI function: a configuration space, memory behind BARs, interrupts, DMA. What it does is in the handlers of its registers; how well it
 * does it can be changed at any time (`behave`, `disappear`).
 */
export class PciFunction {
  readonly at: string
  /** Requester ID. */
  readonly rid: number
  readonly backend: number | undefined
  readonly sharedMemory: boolean
  /** Id of the emulator's root port that it sits behind; undefined: the host bridge. */
  readonly bus: string | undefined
  readonly config: ConfigSpace
  readonly bars: ReadonlyMap<number, Bar>
  readonly capabilities: readonly Capability[]
  /** Of this function alone until a board, or a root complex, joins it to others. */
  trace = new Trace()
  readonly #places: number[]
  readonly #onReset: () => void
  readonly #manners: Record<Kind, Manners> = { config: new Manners(), memory: new Manners() }
  readonly #configSpace: Space
  /** By BAR. */
  readonly #memorySpaces: readonly Space[]
  #present: boolean
  #port: Port | undefined
  #memory: DmaMemory | undefined
  #intx = false

  constructor(options: PciFunctionOptions) {
    this.at = options.at
    this.rid = requesterId(options.at)
    this.backend = options.backend
    this.sharedMemory = options.sharedMemory ?? false
    this.bus = options.bus
    this.capabilities = options.capabilities ?? []
    this.bars = new Map(Object.entries(options.bars ?? {}).map(([index, bar]) => [Number(index), bar]))
    this.#onReset = options.onReset ?? (() => {})
    this.#present = options.present ?? true
    const extended = this.capabilities.some(({ kind }) => kind === 'extended')
    this.config = new ConfigSpace(extended || this.capabilities.some(isPciExpress) ? 4096 : 256)
    this.config.add(this.header(options))
    for (const capability of this.capabilities) checkMsix(capability, this.bars)
    this.#places = placeCapabilities(this.config, this.capabilities)
    this.#configSpace = new Space(this, 'config', this.#manners.config, {
      read: (offset, width) => this.config.read(offset, width),
      write: (offset, width, value) => {
        this.config.write(offset, width, value)
        this.#driveIntx()
      },
    })
    const nothing = registerBar({ size: 0, read: (_, width) => ALL_ONES(width) })
    this.#memorySpaces = [0, 1, 2, 3, 4, 5].map(
      (index) => new Space(this, `bar${index}`, this.#manners.memory, this.bars.get(index) ?? nothing),
    )
  }

  /** The header's registers; a bridge has others. */
  protected header(options: PciFunctionOptions): Register[] {
    return [...commonHeader(options, 0), ...endpointHeader(options), ...barRegisters(this.bars)]
  }

  /** Where a capability stands in the configuration space. */
  placeOf(capability: Capability): number {
    const place = this.#places[this.capabilities.indexOf(capability)]
    if (place === undefined) throw new RangeError(`${this.at} has no such capability`)
    return place
  }

  /** Whether it answers. */
  get present(): boolean {
    return this.#present
  }

  /** Is there from now on, silently: software finds it when it looks. */
  appear(): void {
    this.#present = true
    this.#event('appears')
    this.#driveIntx()
  }

  /** Is gone from now on, silently: reads give all ones, writes are lost, nothing interrupts. */
  disappear(): void {
    this.#present = false
    this.#event('disappears')
    this.#driveIntx()
  }

  /** Changes how it answers, in its configuration space, its BARs, or both. */
  behave(behaviour: Partial<Behaviour>, ...kinds: Kind[]): void {
    for (const kind of kinds.length > 0 ? kinds : (['config', 'memory'] as const)) {
      const manners = this.#manners[kind]
      manners.behaviour = { ...manners.behaviour, ...behaviour }
    }
    this.#event(`behaves: ${JSON.stringify(behaviour)}`)
  }

  /** Whether there may be functions 1 to 7 in the same device. */
  get multifunction(): boolean {
    return (this.config.get(OFFSET.headerType, 1) & HEADER_TYPE.multifunction) !== 0
  }

  /** 1 for INTA# to 4 for INTD#; 0 for none. */
  get interruptPin(): number {
    return this.config.get(OFFSET.interruptPin, 1)
  }

  /** Bits of the Command register (section 7.5.1.1.3). */
  get command(): number {
    return this.config.get(OFFSET.command, 2)
  }

  /** Whether the guest lets it decode its BARs. */
  get decodesMemory(): boolean {
    return (this.command & COMMAND.memory) !== 0
  }

  /** PCI address that the guest gave a BAR. */
  barAddress(index: number): number {
    const offset = OFFSET.bar0 + 4 * index
    const low = (this.config.get(offset, 4) & ~0xf) >>> 0
    return this.bars.get(index)?.wide ? low + this.config.get(offset + 4, 4) * 2 ** 32 : low
  }

  /** A read of the configuration space by the guest. `offset` in bytes. */
  readConfig(offset: number, width: Width): number | Promise<number> {
    return this.#configSpace.read(offset, width)
  }

  writeConfig(offset: number, width: Width, value: number): void | Promise<void> {
    return this.#configSpace.write(offset, width, value)
  }

  /** A read of a BAR's memory by the guest. */
  readBar(index: number, offset: number, width: Width): number | Promise<number> {
    return (this.#memorySpaces[index] as Space).read(offset, width)
  }

  writeBar(index: number, offset: number, width: Width, value: number): void | Promise<void> {
    return (this.#memorySpaces[index] as Space).write(offset, width, value)
  }

  /** Back to the state after power-on; whether it is there does not change. */
  reset(): void {
    this.config.reset()
    this.#intx = false
    this.#port?.intx(false)
    this.trace.record({ from: this.at, what: 'reset' })
    this.#onReset()
  }

  /** Asserts or deasserts INTx. The guest sees it unless it has disabled INTx in Command. */
  set intx(asserted: boolean) {
    this.#intx = asserted
    const status = this.config.get(OFFSET.status, 2)
    this.config.set(OFFSET.status, 2, asserted ? status | STATUS.interrupt : status & ~STATUS.interrupt)
    this.#traceInterrupt('intx', undefined, asserted ? 'asserted' : 'deasserted')
    this.#driveIntx()
  }

  get intx(): boolean {
    return this.#intx
  }

  /**
   * Sends one MSI, or MSI-X, as the guest has enabled it. False if it has enabled neither, or not that vector, or has not set Bus Master Enable:
   * these interrupts are writes to memory (section 7.5.1.1.3).
   */
  interrupt(vector = 0): boolean {
    const port = this.#port
    if (!port) return false
    const obstacle = this.#obstacle
    if (obstacle) {
      this.#traceInterrupt(undefined, vector, obstacle)
      return false
    }
    const space = port.msix(vector) ? 'msix' : port.msi(vector) ? 'msi' : undefined
    this.#traceInterrupt(space, vector, space ? undefined : 'not enabled')
    return space !== undefined
  }

  /**
   * The guest's memory.
   *
   * @throws BusMasterOff when the guest has not set Bus Master Enable.
   */
  get dma(): DmaMemory {
    const memory = this.#memory
    if (!memory) throw new BusMasterOff(`${this.at} is not plugged in`)
    if ((this.command & COMMAND.busMaster) === 0) {
      throw new BusMasterOff(`${this.at}: DMA while Bus Master Enable is off`)
    }
    return memory
  }

  /** It is plugged into something, or pulled out. */
  plug(port: Port | undefined): void {
    this.#port?.intx(false)
    this.#port = port
    this.#memory = port && new TracedMemory(port.memory, this)
    this.#driveIntx()
  }

  #driveIntx(): void {
    const allowed = this.#present && (this.command & COMMAND.intxDisable) === 0
    this.#port?.intx(this.#intx && allowed)
  }

  /** Why no message-signalled interrupt goes out. */
  get #obstacle(): string | undefined {
    if (!this.#present) return 'absent'
    return (this.command & COMMAND.busMaster) === 0 ? 'Bus Master Enable is off' : undefined
  }

  #traceInterrupt(
    space: 'intx' | 'msi' | 'msix' | undefined,
    vector: number | undefined,
    note: string | undefined,
  ): void {
    this.trace.record({ from: this.at, what: 'interrupt', space, address: vector, note })
  }

  #event(note: string): void {
    this.trace.record({ from: this.at, what: 'event', note })
  }
}
