// SPDX-License-Identifier: Apache-2.0
import { InvalidArgumentError } from 'commander'

/** Exit statuses of every command. `notTried` makes `git bisect run` skip. */
export const Exit = { ok: 0, failed: 1, notTried: 125, usage: 129, interrupted: 130 } as const

/** Wrong usage: exit status 129, which stops a `git bisect run` as it should. */
export class UsageError extends Error {
  override readonly name = 'UsageError'
}

/** A whole number for an option. */
export function wholeNumber(least: number): (text: string) => number {
  return (text) => {
    const value = Number(text)
    if (Number.isInteger(value) && value >= least) return value
    throw new InvalidArgumentError(`a whole number from ${least} on, please.`)
  }
}
