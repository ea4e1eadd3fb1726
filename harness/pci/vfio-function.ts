// SPDX-License-Identifier: Apache-2.0
import { Irq, Region, type RegionInfo, type Upstream, type VfioUserDevice } from '../vfio-user/index.ts'
import type { PciFunction } from './function.ts'
import { readPieces, writePieces } from './pieces.ts'

/** The most that a guest's load or store has; a longer access is the emulator's own. */
const LONGEST_OF_GUEST = 8

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
    counts[Irq.INTX] = fn.interruptPin > 0 ? 1 : 0
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
    return readPieces(offset, into, (at, width) =>
      isConfig ? this.#fn.readConfig(at, width) : this.#fn.readBar(region, at, width),
    )
  }

  write(region: number, offset: number, data: Buffer): void | Promise<void> {
    const isConfig = region === Region.CONFIG
    return writePieces(offset, data, (at, width, value) =>
      isConfig ? this.#fn.writeConfig(at, width, value) : this.#fn.writeBar(region, at, width, value),
    )
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
