// SPDX-License-Identifier: Apache-2.0
import { ALL_ONES, type Width } from './config-space.ts'
import type { PciFunction } from './function.ts'
import { RootPort } from './root-port.ts'

/** The functions behind a root complex: who is at a requester ID, and who decodes an address. */
export class Topology {
  readonly #functions = new Map<number, PciFunction>()

  add(fn: PciFunction): void {
    if (fn.rid >> 8 !== 0) throw new RangeError(`${fn.at} is not on the root bus: put it behind a root port`)
    if (this.#functions.has(fn.rid)) throw new RangeError(`there is a function at ${fn.at} already`)
    this.#functions.set(fn.rid, fn)
  }

  /** All, those behind root ports too. */
  get functions(): PciFunction[] {
    return [...this.#functions.values()].flatMap((fn) =>
      fn instanceof RootPort ? [fn, ...fn.functions] : [fn],
    )
  }

  at(rid: number): PciFunction | undefined {
    const bus = rid >> 8
    if (bus === 0) return this.#functions.get(rid)
    for (const port of this.#functions.values()) {
      if (port instanceof RootPort && port.present && port.secondaryBus === bus)
        return port.behind(rid & 0xff)
    }
    return undefined
  }

  readMemory(address: number, width: Width): number | Promise<number> {
    const hit = this.#decode(address)
    return hit ? hit.fn.readBar(hit.bar, hit.offset, width) : ALL_ONES(width)
  }

  writeMemory(address: number, width: Width, value: number): void | Promise<void> {
    const hit = this.#decode(address)
    return hit?.fn.writeBar(hit.bar, hit.offset, width, value)
  }

  #decode(address: number): { fn: PciFunction; bar: number; offset: number } | undefined {
    for (const fn of this.#functions.values()) {
      const hit = decodeIn(fn, address)
      if (hit) return hit
      if (!(fn instanceof RootPort) || !fn.forwards(address)) continue
      for (const inner of fn.functions) {
        const behind = fn.linkIsUp ? decodeIn(inner, address) : undefined
        if (behind) return behind
      }
    }
    return undefined
  }
}

function decodeIn(
  fn: PciFunction,
  address: number,
): { fn: PciFunction; bar: number; offset: number } | undefined {
  if (!fn.decodesMemory) return undefined
  for (const [bar, { size }] of fn.bars) {
    const offset = address - fn.barAddress(bar)
    if (offset >= 0 && offset < size) return { fn, bar, offset }
  }
  return undefined
}
