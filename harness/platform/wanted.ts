// SPDX-License-Identifier: Apache-2.0
import type { Failure } from '../console/index.ts'

/** The failures that a scenario wants, by patterns of their titles. */
export class WantedFailures {
  readonly #wanted: { pattern: RegExp; came: (failure: Failure) => void }[] = []

  /** From now on a failure whose title matches is wanted, however often it comes. Resolves with the first. */
  want(pattern: RegExp): Promise<Failure> {
    return new Promise((resolve) => this.#wanted.push({ pattern, came: resolve }))
  }

  /** A failure has come: whether it is wanted. */
  take(failure: Failure): boolean {
    const wanted = this.#wanted.find(({ pattern }) => pattern.test(failure.title))
    wanted?.came(failure)
    return wanted !== undefined
  }
}
