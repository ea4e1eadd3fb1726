// SPDX-License-Identifier: Apache-2.0
/** Configuration spaces as software looks at them. */
import type { ConfigSpace } from '../../harness/pci/config-space.ts'
import type { PciFunction, Width } from '../../harness/pci/index.ts'

/** The capabilities of the list at 0x34, as Linux walks it (`pci_find_next_cap` in its `drivers/pci/pci.h`): ID and place. */
export function walkStandard(config: ConfigSpace): { id: number; at: number }[] {
  const found: { id: number; at: number }[] = []
  if ((config.read(0x06, 2) & 0x10) === 0) return found
  let at = config.read(0x34, 1) & ~3
  for (let left = 48; left > 0 && at >= 0x40; left--) {
    const id = config.read(at, 1)
    if (id === 0xff) break
    found.push({ id, at })
    at = config.read(at + 1, 1) & ~3
  }
  return found
}

/** The extended capabilities, as Linux walks them (`pci_find_next_ext_capability`): ID, version and place. */
export function walkExtended(config: ConfigSpace): { id: number; version: number; at: number }[] {
  const found: { id: number; version: number; at: number }[] = []
  if (config.size <= 0x100) return found
  let at = 0x100
  for (let left = (4096 - 256) / 8; left > 0 && at >= 0x100; left--) {
    const header = config.read(at, 4)
    if (header === 0) break
    found.push({ id: header & 0xffff, version: (header >>> 16) & 0xf, at })
    at = (header >>> 20) & 0xffc
  }
  return found
}

/** What a BAR's registers say after all ones were written, as Linux sizes it (`__pci_read_base` in its `drivers/pci/probe.c`). */
export function sizeBar(
  fn: PciFunction,
  index: number,
): { size: number; wide: boolean; prefetchable: boolean } {
  const at = 0x10 + 4 * index
  const all = (offset: number) => {
    const before = fn.config.read(offset, 4)
    fn.config.write(offset, 4, 0xffff_ffff)
    const mask = fn.config.read(offset, 4)
    fn.config.write(offset, 4, before)
    return mask
  }
  const low = all(at)
  const wide = (low & 6) === 4
  const high = wide ? all(at + 4) : 0xffff_ffff
  const mask = (BigInt(high) << 32n) | BigInt((low & ~0xf) >>> 0)
  return { size: Number(mask & -mask), wide, prefetchable: (low & 8) !== 0 }
}

/** Runs what may answer later, and must not. */
export function now(value: number | Promise<number>): number {
  if (typeof value !== 'number') throw new TypeError('answered later')
  return value
}

export const WIDTHS: readonly Width[] = [1, 2, 4]
