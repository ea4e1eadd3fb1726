// SPDX-License-Identifier: Apache-2.0

/**
 * A problem of the host, or of what it was asked to use, and not of the guest: exit code 125, so that `git bisect run`
 * skips. The message names the thing; the remedy says what to do or to type.
 */
export class HostProblem extends Error {
  override readonly name = 'HostProblem'
  readonly remedy: string

  constructor(message: string, remedy: string, options?: ErrorOptions) {
    super(message, options)
    this.remedy = remedy
  }
}

/** The work was interrupted by its caller's AbortSignal (Ctrl-C); nothing half-written was left in the cache. */
export class Interrupted extends Error {
  override readonly name = 'AbortError'

  constructor() {
    super('interrupted')
  }
}
