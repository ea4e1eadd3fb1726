// SPDX-License-Identifier: Apache-2.0
/** What can go wrong with a guest, as errors that carry their verdict. A problem of the host is `HostProblem` (`images`). */

export type Verdict = 'pass' | 'fail' | 'crash' | 'hang' | 'error'

/** A failure that a console showed. */
export interface Failure {
  /** Row of the catalogue. */
  kind: string
  /** Stable across runs: no addresses, CPU numbers or times. */
  title: string
  domain: string
  /** The guilty function, where the kind has one and the report shows it. */
  frame?: string | undefined
  /** Whether the report shows what the title needs, and has no hole. */
  complete: boolean
  /** The report, as far as it came. */
  report: string[]
}

/** A domain, or Xen, died or warned. */
export class GuestCrash extends Error {
  override readonly name = 'GuestCrash'
  readonly verdict = 'crash'
  readonly failure: Failure

  constructor(failure: Failure) {
    super(`${failure.domain} crashed: ${failure.title}\n${indent(failure.report)}`)
    this.failure = failure
  }
}

/** Nothing moves any more. */
export class GuestHang extends Error {
  override readonly name = 'GuestHang'
  readonly verdict = 'hang'
  readonly domain: string

  constructor(domain: string, message: string) {
    super(message)
    this.domain = domain
  }
}

/** What a scenario waited for did not come in time, in a guest that is alive. */
export class DeadlineExpired extends Error {
  override readonly name = 'DeadlineExpired'
  readonly verdict = 'fail'
}

export const indent = (lines: string[]): string => lines.map((line) => `  | ${line}`).join('\n')
