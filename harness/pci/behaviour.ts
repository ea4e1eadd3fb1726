// SPDX-License-Identifier: Apache-2.0
import { ALL_ONES, type Width } from './config-space.ts'

/** How a function answers, other than as a good one would. */
export interface Behaviour {
  /** ms before every answer. QEMU waits 5000 at most, and the whole machine with it. */
  latency: number
  /** Reads give pseudo-random bits, from this seed on, and the function does not notice them. */
  garbage: number | undefined
  /** The sizes of access that it takes, in bytes: others read as all ones, and writes are lost. */
  widths: readonly Width[]
}

export const USUAL: Behaviour = { latency: 0, garbage: undefined, widths: [1, 2, 4] }

/** The next of a series of 32-bit numbers (George Marsaglia, "Xorshift RNGs", 2003). */
function xorshift(state: number): number {
  let next = state || 0x9e37_79b9
  next ^= next << 13
  next ^= next >>> 17
  next ^= next << 5
  return next >>> 0
}

/** One address space of a function, with its behaviour. */
export class Manners {
  behaviour: Behaviour = USUAL

  /** Whether it answers as a good one would, at once. */
  get areUsual(): boolean {
    return this.behaviour === USUAL
  }

  /** Whether an access of that size is answered at all. */
  takes(width: Width): boolean {
    return this.behaviour.widths.includes(width)
  }

  /** The answer to a read, after the behaviour. */
  answer(width: Width, read: () => number | Promise<number>): number | Promise<number> {
    const { latency } = this.behaviour
    const give = () => (this.behaviour.garbage === undefined ? read() : this.#garbage(width))
    return latency > 0 ? later(latency, give) : give()
  }

  after(write: () => void | Promise<void>): void | Promise<void> {
    const { latency } = this.behaviour
    return latency > 0 ? later(latency, write) : write()
  }

  #garbage(width: Width): number {
    const garbage = xorshift(this.behaviour.garbage ?? 0)
    const { latency, widths } = this.behaviour
    this.behaviour = { latency, garbage, widths }
    return (garbage & ALL_ONES(width)) >>> 0
  }
}

const later = <T>(ms: number, then: () => T | Promise<T>): Promise<T> =>
  new Promise((resolve, reject) => {
    setTimeout(() => {
      try {
        resolve(then())
      } catch (error) {
        reject(error)
      }
    }, ms)
  })
