// SPDX-License-Identifier: Apache-2.0
import { Region, type RegionInfo, type Upstream, type VfioUserDevice } from '../vfio-user/index.ts'
import { bdfOf } from './bdf.ts'
import { type ConfigBus, type ConfigFront, ecam } from './config-front.ts'
import { ALL_ONES, ConfigSpace, type Width } from './config-space.ts'
import { PciFunction } from './function.ts'
import { COMMAND, commonHeader, OFFSET } from './header.ts'
import { MessageSignal } from './message-signal.ts'
import { readPieces, writePieces } from './pieces.ts'
import type { Port } from './port.ts'
import { RootPort } from './root-port.ts'
import { Topology } from './topology.ts'
import { Trace } from './trace.ts'

export interface AddressRange {
  /** Guest-physical, and PCI, address. */
  base: number
  /** Bytes. */
  size: number
}

export interface RootComplexOptions {
  /** Where the configuration spaces are; default 0x1000_0000. */
  base?: number
  /** How they are reached; default a whole ECAM. */
  config?: ConfigFront
  /** The 32-bit memory window; default 0x2300_0000, 256 MiB. */
  window?: AddressRange
  /** `linux,pci-domain`; default 0. */
  segment?: number
  functions?: PciFunction[]
  /** What stands at 00:00.0, the host bridge's own function; default one as QEMU's own, `false` for none. */
  hostBridge?: PciFunction | false
  /** Whether anybody answers in the windows; default yes. With `false` they are described to the guest, and that is all. */
  answered?: boolean
  /** On `xen`: all functions are served by this domain. Else `iommu-map` has a row for each function with a backend. */
  backend?: number
}

/** A piece of a window that one BAR can hold: a power of two in size, and aligned to it. */
interface Aperture extends AddressRange {
  kind: 'config' | 'memory'
}

const BARS = 6

/** The fewest naturally aligned pieces of a range. */
function split({ base, size }: AddressRange, kind: Aperture['kind']): Aperture[] {
  const pieces: Aperture[] = []
  for (let at = base; at < base + size; ) {
    let piece = 2 ** Math.floor(Math.log2(base + size - at))
    while (at % piece !== 0) piece /= 2
    pieces.push({ kind, base: at, size: piece })
    at += piece
  }
  return pieces
}

/**
 * A whole PCI host bridge: configuration window, memory window, and the functions behind it. To the emulator it is one function whose BARs
 * lie where the windows are; to the guest it is what its device tree says.
 */
export class RootComplex implements VfioUserDevice {
  readonly config: AddressRange
  readonly front: ConfigFront
  readonly window: AddressRange
  readonly segment: number
  readonly backend: number | undefined
  readonly answered: boolean
  readonly apertures: readonly Aperture[]
  readonly regions: readonly (RegionInfo | undefined)[]
  readonly interruptCounts = [1, 0, 0, 1, 1]
  readonly #topology = new Topology()
  readonly #own: ConfigSpace
  readonly #asserting = new Set<PciFunction>()
  #trace = new Trace()
  #upstream: Upstream | undefined
  #failed: (error: unknown) => void = () => {}

  constructor(options: RootComplexOptions = {}) {
    this.front = options.config ?? ecam()
    this.config = { base: options.base ?? 0x1000_0000, size: this.front.size }
    this.window = options.window ?? { base: 0x2300_0000, size: 0x1000_0000 }
    this.segment = options.segment ?? 0
    this.backend = options.backend
    this.answered = options.answered ?? true
    this.apertures = [...split(this.config, 'config'), ...split(this.window, 'memory')]
    if (this.apertures.length > BARS) {
      throw new RangeError(
        `the windows of ${this.name} need ${this.apertures.length} aligned pieces, and there are ${BARS}: choose rounder addresses`,
      )
    }
    this.#own = new ConfigSpace(256)
    // QEMU takes an endpoint for a function of its bus; "other bridge" has no driver that could bind to it.
    this.#own.add(commonHeader({ vendor: 0x1b36, device: 0x0008, class: 0x068000, interruptPin: 1 }, 0))
    const regions: (RegionInfo | undefined)[] = Array(Region.COUNT).fill(undefined)
    for (const [index, { size }] of this.apertures.entries()) regions[index] = { size }
    regions[Region.CONFIG] = { size: this.#own.size }
    this.regions = regions
    const { hostBridge = usualHostBridge(), functions = [] } = options
    for (const fn of hostBridge ? [hostBridge, ...functions] : functions) this.add(fn)
  }

  /** What its own registers must hold so that the emulator's BARs lie where the windows are. */
  get placement(): { offset: number; width: Width; value: number }[] {
    const bars = this.apertures.map(({ base }, bar) => ({
      offset: OFFSET.bar0 + 4 * bar,
      width: 4 as const,
      value: base,
    }))
    const command = COMMAND.memory | COMMAND.busMaster
    return [...bars, { offset: OFFSET.command, width: 2, value: command }]
  }

  /** The name of its device-tree node, which ends in the address. */
  get name(): string {
    return `pcie@${this.config.base.toString(16)}`
  }

  /** Whether one of its functions wants its DMA to go straight into the guest's RAM. */
  get sharedMemory(): boolean {
    return this.functions.some((fn) => fn.sharedMemory)
  }

  get functions(): PciFunction[] {
    return this.#topology.functions
  }

  get trace(): Trace {
    return this.#trace
  }

  set trace(trace: Trace) {
    this.#trace = trace
    for (const fn of this.functions) fn.trace = trace
  }

  /** Puts a function on the root bus. Software finds it when it looks. */
  add(fn: PciFunction): void {
    this.#topology.add(fn)
    this.#join(fn)
    if (fn instanceof RootPort) for (const inner of fn.functions) this.#join(inner)
  }

  /** Puts functions into a root port's slot, as `RootPort.insert` does. */
  insert(port: RootPort, functions: PciFunction[], options?: { linkUp?: boolean }): void {
    for (const fn of functions) this.#join(fn)
    port.insert(functions, options)
  }

  /** Gets what goes wrong outside an access. */
  onFailure(failed: (error: unknown) => void): void {
    this.#failed = failed
  }

  read(region: number, offset: number, into: Buffer): void | Promise<void> {
    if (region === Region.CONFIG) {
      this.#own.copy(offset, into.length).copy(into)
      return
    }
    const aperture = this.apertures[region] as Aperture
    return readPieces(aperture.base + offset, into, (address, width) =>
      this.#readAt(aperture, address, width),
    )
  }

  write(region: number, offset: number, data: Buffer): void | Promise<void> {
    const aperture = this.apertures[region]
    return writePieces((aperture?.base ?? 0) + offset, data, (at, width, value) =>
      aperture ? this.#writeAt(aperture, at, width, value) : this.#own.write(at, width, value),
    )
  }

  reset(): void {
    this.#own.reset()
    this.front.reset?.()
    for (const fn of this.functions) fn.reset()
  }

  connected(upstream: Upstream): void {
    this.#upstream = upstream
    for (const fn of this.functions) fn.plug(this.#portFor(fn))
  }

  disconnected(): void {
    this.#upstream = undefined
    for (const fn of this.functions) fn.plug(undefined)
  }

  #join(fn: PciFunction): void {
    fn.trace = this.#trace
    if (this.#upstream) fn.plug(this.#portFor(fn))
  }

  #readAt({ kind }: Aperture, address: number, width: Width): number | Promise<number> {
    if (kind === 'memory') return this.#topology.readMemory(address, width)
    return this.front.read(this.#configBus, address - this.config.base, width)
  }

  #writeAt({ kind }: Aperture, address: number, width: Width, value: number): void | Promise<void> {
    if (kind === 'memory') return this.#topology.writeMemory(address, width, value)
    return this.front.write(this.#configBus, address - this.config.base, width, value)
  }

  readonly #configBus: ConfigBus = {
    read: (rid, register, width) => {
      const fn = this.#reached('read', rid, register, width)
      return fn ? fn.readConfig(register, width) : ALL_ONES(width)
    },
    write: (rid, register, width, value) =>
      this.#reached('write', rid, register, width)?.writeConfig(register, width, value),
    refuse: (what, address, size) => {
      this.#trace.record({ from: this.name, what, space: 'window', address, size, note: 'not taken' })
      return ALL_ONES(size)
    },
  }

  /** Who takes an access to a configuration space. */
  #reached(what: 'read' | 'write', rid: number, address: number, size: Width): PciFunction | undefined {
    const fn = this.#topology.at(rid)
    if (fn && address < fn.config.size) return fn
    const note = fn ? `beyond the configuration space of ${fn.at}` : `nobody at ${bdfOf(rid)}`
    this.#trace.record({ from: this.name, what, space: 'config', address, size, note })
    return undefined
  }

  /** All INTx lines meet in one; messages are writes to memory. */
  #portFor(fn: PciFunction): Port {
    const { memory, interrupts } = this.#upstream as Upstream
    const signal = new MessageSignal(fn)
    const send = (message: { address: number; data: Buffer } | undefined) => {
      if (message) memory.write(message.address, message.data).catch(this.#failed)
      return message !== undefined
    }
    return {
      memory,
      intx: (asserted) => {
        if (asserted) this.#asserting.add(fn)
        else this.#asserting.delete(fn)
        interrupts.intx = this.#asserting.size > 0
      },
      msi: (vector) => send(signal.msi(vector)),
      msix: (vector) => send(signal.msix(vector)),
    }
  }
}

/** A host bridge function, as QEMU's own is. */
const usualHostBridge = () =>
  new PciFunction({ at: '00:00.0', vendor: 0x1b36, device: 0x0008, class: 0x060000 })
