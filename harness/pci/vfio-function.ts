// SPDX-License-Identifier: Apache-2.0
import { Irq, Region, type RegionInfo, type Upstream, type VfioUserDevice } from '../vfio-user/index.ts'
import type { Width } from './config-space.ts'
import type { PciFunction } from './function.ts'

/** The most that a guest's load or store has; a longer access is the emulator's own. */
const LONGEST_OF_GUEST = 8

/** The sizes of access that `length` bytes at `offset` are made of: aligned, four bytes at most. */
export function* pieces(offset: number, length: number): Generator<{ at: number; width: Width }> {
  for (let at = 0; at < length; ) {
    const room = length - at
    const aligned = (offset + at) % 4 === 0 ? 4 : (offset + at) % 2 === 0 ? 2 : 1
    const width = (aligned <= room ? aligned : room >= 2 && aligned >= 2 ? 2 : 1) as Width
    yield { at, width }
    at += width
  }
}

/** A function of its own on the emulator's bus. */
export class VfioFunction implements VfioUserDevice {
  readonly regions: readonly (RegionInfo | undefined)[]
  readonly interruptCounts: readonly number[]
  readonly #fn: PciFunction

  constructor(fn: PciFunction) {
    this.#fn = fn
    const regions: (RegionInfo | undefined)[] = Array(Region.COUNT).fill(undefined)
    for (const [index, { size }] of fn.bars) regions[index] = { size }
    regions[Region.CONFIG] = { size: fn.config.size }
    this.regions = regions
    const vectors = (of: 'msi' | 'msix') =>
      fn.capabilities.map((capability) => capability[of]?.vectors ?? 0).reduce((a, b) => Math.max(a, b), 0)
    const counts = Array<number>(Irq.COUNT).fill(0)
    counts[Irq.INTX] = fn.config.get(0x3d, 1) > 0 ? 1 : 0
    counts[Irq.MSI] = vectors('msi')
    counts[Irq.MSIX] = vectors('msix')
    counts[Irq.ERR] = 1
    counts[Irq.REQ] = 1
    this.interruptCounts = counts
  }

  read(region: number, offset: number, into: Buffer): void | Promise<void> {
    const isConfig = region === Region.CONFIG
    if (isConfig && into.length > LONGEST_OF_GUEST) {
      this.#fn.config.copy(offset, into.length).copy(into)
      return
    }
    const pending: Promise<void>[] = []
    for (const { at, width } of pieces(offset, into.length)) {
      const value = isConfig
        ? this.#fn.readConfig(offset + at, width)
        : this.#fn.readBar(region, offset + at, width)
      if (typeof value === 'number') into.writeUIntLE(value, at, width)
      else pending.push(value.then((late) => void into.writeUIntLE(late, at, width)))
    }
    if (pending.length > 0) return Promise.all(pending).then(() => {})
  }

  write(region: number, offset: number, data: Buffer): void | Promise<void> {
    const pending: Promise<void>[] = []
    for (const { at, width } of pieces(offset, data.length)) {
      const value = data.readUIntLE(at, width)
      const done =
        region === Region.CONFIG
          ? this.#fn.writeConfig(offset + at, width, value)
          : this.#fn.writeBar(region, offset + at, width, value)
      if (done) pending.push(done)
    }
    if (pending.length > 0) return Promise.all(pending).then(() => {})
  }

  reset(): void {
    this.#fn.reset()
  }

  connected({ memory, interrupts }: Upstream): void {
    this.#fn.plug({
      memory,
      intx: (asserted) => {
        interrupts.intx = asserted
      },
      msi: (vector) => interrupts.signal(Irq.MSI, vector),
      msix: (vector) => interrupts.signal(Irq.MSIX, vector),
    })
  }

  disconnected(): void {
    this.#fn.plug(undefined)
  }
}
