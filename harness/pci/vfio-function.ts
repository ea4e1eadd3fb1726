// SPDX-License-Identifier: Apache-2.0
import { Irq, Region, type RegionInfo, type Upstream, type VfioUserDevice } from '../vfio-user/index.ts'
import type { Width } from './config-space.ts'
import type { PciFunction } from './function.ts'

/** The most that a guest's load or store has; a longer access is the emulator's own. */
const LONGEST_OF_GUEST = 8

/** The sizes of access that `length` bytes at `offset` are made of: aligned, four bytes at most. */
function* pieces(offset: number, length: number): Generator<{ at: number; width: Width }> {
  for (let at = 0; at < length; ) {
    const room = length - at
    const aligned = (offset + at) % 4 === 0 ? 4 : (offset + at) % 2 === 0 ? 2 : 1
    const width = (aligned <= room ? aligned : room >= 2 && aligned >= 2 ? 2 : 1) as Width
    yield { at, width }
    at += width
  }
}

/** Fills `into` with what stands at `offset`, piece by piece. */
export function readPieces(
  offset: number,
  into: Buffer,
  read: (offset: number, width: Width) => number | Promise<number>,
): void | Promise<void> {
  return inTurn(pieces(offset, into.length), ({ at, width }) => {
    const value = read(offset + at, width)
    const put = (given: number) => void into.writeUIntLE(given, at, width)
    return typeof value === 'number' ? put(value) : value.then(put)
  })
}

/** Writes `data` to `offset`, piece by piece; it is looked at during the call only. */
export function writePieces(
  offset: number,
  data: Buffer,
  write: (offset: number, width: Width, value: number) => void | Promise<void>,
): void | Promise<void> {
  const own = Buffer.from(data)
  return inTurn(pieces(offset, data.length), ({ at, width }) =>
    write(offset + at, width, own.readUIntLE(at, width)),
  )
}

/** Does one after the other; at once as long as nothing takes its time. */
function inTurn<T>(items: Iterator<T>, each: (item: T) => void | Promise<void>): void | Promise<void> {
  for (let next = items.next(); !next.done; next = items.next()) {
    const pending = each(next.value)
    if (pending) return inTurnFrom(pending, items, each)
  }
}

async function inTurnFrom<T>(
  first: Promise<void>,
  items: Iterator<T>,
  each: (item: T) => void | Promise<void>,
): Promise<void> {
  await first
  for (let next = items.next(); !next.done; next = items.next()) await each(next.value)
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
    return readPieces(offset, into, (at, width) =>
      isConfig ? this.#fn.readConfig(at, width) : this.#fn.readBar(region, at, width),
    )
  }

  write(region: number, offset: number, data: Buffer): void | Promise<void> {
    return writePieces(offset, data, (at, width, value) =>
      region === Region.CONFIG
        ? this.#fn.writeConfig(at, width, value)
        : this.#fn.writeBar(region, at, width, value),
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
