// SPDX-License-Identifier: Apache-2.0

/** Exit statuses of every command (`shared/design.md`, *Command line*). */
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
    throw new UsageError(`'${text}' is not a whole number from ${least} on`)
  }
}
