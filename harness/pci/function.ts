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
import { Trace, type TraceEntry } from './trace.ts'

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

/** What an access of the guest goes to: the configuration space, or a BAR. */
interface Space {
  name: string
  manners: Manners
  read(offset: number, width: Width): number | Promise<number>
  write(offset: number, width: Width, value: number): void | Promise<void>
}

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
    this.#configSpace = {
      ...{ name: 'config', manners: this.#manners.config },
      read: (offset, width) => this.config.read(offset, width),
      write: (offset, width, value) => {
        this.config.write(offset, width, value)
        this.#driveIntx()
      },
    }
    this.#memorySpaces = [0, 1, 2, 3, 4, 5].map((index) => this.#memorySpace(index))
  }

  #memorySpace(index: number): Space {
    const bar = this.bars.get(index) ?? registerBar({ size: 0, read: (_, width) => ALL_ONES(width) })
    return {
      ...{ name: `bar${index}`, manners: this.#manners.memory },
      read: (offset, width) => bar.read(offset, width),
      write: (offset, width, value) => bar.write(offset, width, value),
    }
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
    return this.#read(this.#configSpace, offset, width)
  }

  writeConfig(offset: number, width: Width, value: number): void | Promise<void> {
    return this.#write(this.#configSpace, offset, width, value)
  }

  /** A read of a BAR's memory by the guest. */
  readBar(index: number, offset: number, width: Width): number | Promise<number> {
    return this.#read(this.#memorySpaces[index] as Space, offset, width)
  }

  writeBar(index: number, offset: number, width: Width, value: number): void | Promise<void> {
    return this.#write(this.#memorySpaces[index] as Space, offset, width, value)
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
    this.trace.record({
      ...{ from: this.at, what: 'interrupt', space: 'intx' },
      note: asserted ? 'asserted' : 'deasserted',
    })
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
    const entry = { from: this.at, what: 'interrupt', address: vector } as const
    const obstacle = this.#present
      ? (this.command & COMMAND.busMaster) === 0 && 'Bus Master Enable is off'
      : 'absent'
    if (obstacle) {
      this.trace.record({ ...entry, note: obstacle })
      return false
    }
    const space = port.msix(vector) ? 'msix' : port.msi(vector) ? 'msi' : undefined
    this.trace.record({ ...entry, ...(space ? { space } : { note: 'not enabled' }) })
    return space !== undefined
  }

  /**
   * The guest's memory.
   *
   * @throws BusMasterOff when the guest has not set Bus Master Enable.
   */
  get dma(): DmaMemory {
    const port = this.#port
    if (!port) throw new BusMasterOff(`${this.at} is not plugged in`)
    if ((this.command & COMMAND.busMaster) === 0) {
      throw new BusMasterOff(`${this.at}: DMA while Bus Master Enable is off`)
    }
    return traced(port.memory, (entry) => this.trace.record({ from: this.at, ...entry }))
  }

  /** It is plugged into something, or pulled out. */
  plug(port: Port | undefined): void {
    this.#port?.intx(false)
    this.#port = port
    this.#driveIntx()
  }

  #driveIntx(): void {
    const allowed = this.#present && (this.command & COMMAND.intxDisable) === 0
    this.#port?.intx(this.#intx && allowed)
  }

  #event(note: string): void {
    this.trace.record({ from: this.at, what: 'event', note })
  }

  #read(space: Space, offset: number, width: Width): number | Promise<number> {
    const { manners } = space
    const refusal = this.#refusal(manners, width)
    if (refusal) {
      this.#traceAccess('read', space, offset, width, ALL_ONES(width), refusal)
      return ALL_ONES(width)
    }
    const answer = manners.areUsual
      ? space.read(offset, width)
      : manners.answer(width, () => space.read(offset, width))
    return answer instanceof Promise
      ? answer.then((given) => this.#answered(space, offset, width, given))
      : this.#answered(space, offset, width, answer)
  }

  #answered(space: Space, offset: number, width: Width, given: number): number {
    const value = lowBits(given, width)
    this.#traceAccess('read', space, offset, width, value)
    return value
  }

  #write(space: Space, offset: number, width: Width, value: number): void | Promise<void> {
    const { manners } = space
    const refusal = this.#refusal(manners, width)
    this.#traceAccess('write', space, offset, width, value, refusal)
    if (refusal) return
    return manners.areUsual
      ? space.write(offset, width, value)
      : manners.after(() => space.write(offset, width, value))
  }

  /** Why an access is not answered. */
  #refusal(manners: Manners, width: Width): string | undefined {
    if (!this.#present) return 'absent'
    return manners.takes(width) ? undefined : 'size not taken'
  }

  #traceAccess(
    what: 'read' | 'write',
    { name }: Space,
    address: number,
    size: Width,
    value: number,
    note?: string,
  ): void {
    this.trace.record({ from: this.at, what, space: name, address, size, value: value.toString(16), note })
  }
}

/** The low bits of what a handler gave, as many as the access has. */
function lowBits(given: number, width: Width): number {
  if (!Number.isInteger(given)) throw new TypeError(`a read must give a whole number, not ${given}`)
  return (given & ALL_ONES(width)) >>> 0
}

/** What DMA did, in a trace. */
function traced(memory: DmaMemory, record: (entry: Omit<TraceEntry, 'at' | 'from'>) => void): DmaMemory {
  const note = (what: 'dma-read' | 'dma-write', address: number, data: Uint8Array) =>
    record({
      ...{ what, address, size: data.length },
      ...(data.length <= 8 && { value: Buffer.from(data).reverse().toString('hex') }),
    })
  return {
    async read(address, length) {
      const data = await memory.read(address, length)
      note('dma-read', address, data)
      return data
    },
    async write(address, data) {
      await memory.write(address, data)
      note('dma-write', address, data)
    },
    readNow(address, length) {
      const data = memory.readNow(address, length)
      note('dma-read', address, data)
      return data
    },
    writeNow(address, data) {
      memory.writeNow(address, data)
      note('dma-write', address, data)
    },
  }
}
