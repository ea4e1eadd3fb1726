// SPDX-License-Identifier: Apache-2.0
import type { Manners } from './behaviour.ts'
import { ALL_ONES, type Width } from './config-space.ts'
import type { Trace } from './trace.ts'

/** The function that a space is of. */
interface Owner {
  readonly at: string
  /** Whether it answers. */
  readonly present: boolean
  readonly trace: Trace
}

/** What is behind a space: the configuration space's registers, or a BAR. */
interface Registers {
  read(offset: number, width: Width): number | Promise<number>
  write(offset: number, width: Width, value: number): void | Promise<void>
}

/** What the guest's accesses go to, with the function's manners in between, and each access in the trace. */
export class Space {
  readonly #owner: Owner
  /** As in the trace: `config`, `bar0` to `bar5`. */
  readonly #name: string
  readonly #manners: Manners
  readonly #registers: Registers

  constructor(owner: Owner, name: string, manners: Manners, registers: Registers) {
    this.#owner = owner
    this.#name = name
    this.#manners = manners
    this.#registers = registers
  }

  read(offset: number, width: Width): number | Promise<number> {
    const manners = this.#manners
    const refusal = this.#refusal(width)
    if (refusal) {
      this.#record('read', offset, width, ALL_ONES(width), refusal)
      return ALL_ONES(width)
    }
    const answer = manners.areUsual
      ? this.#registers.read(offset, width)
      : manners.answer(width, () => this.#registers.read(offset, width))
    return answer instanceof Promise
      ? answer.then((given) => this.#answered(offset, width, given))
      : this.#answered(offset, width, answer)
  }

  write(offset: number, width: Width, value: number): void | Promise<void> {
    const manners = this.#manners
    const refusal = this.#refusal(width)
    this.#record('write', offset, width, value, refusal)
    if (refusal) return
    return manners.areUsual
      ? this.#registers.write(offset, width, value)
      : manners.after(() => this.#registers.write(offset, width, value))
  }

  #answered(offset: number, width: Width, given: number): number {
    const value = lowBits(given, width)
    this.#record('read', offset, width, value)
    return value
  }

  /** Why an access is not answered. */
  #refusal(width: Width): string | undefined {
    if (!this.#owner.present) return 'absent'
    return this.#manners.takes(width) ? undefined : 'size not taken'
  }

  #record(what: 'read' | 'write', address: number, size: Width, value: number, note?: string): void {
    const { at, trace } = this.#owner
    trace.record({ from: at, what, space: this.#name, address, size, value: value.toString(16), note })
  }
}

/** The low bits of what a handler gave, as many as the access has. */
function lowBits(given: number, width: Width): number {
  if (!Number.isInteger(given)) throw new TypeError(`a read must give a whole number, not ${given}`)
  return (given & ALL_ONES(width)) >>> 0
}
