// SPDX-License-Identifier: Apache-2.0
/** What a row of the catalogue says. */

/** Where the guilty function is looked for; the first source that has one decides. */
export type FrameSource =
  /** The first line of the report: its group `fn`. */
  | 'header'
  /** Program counter and callers, in the order in which they are printed. */
  | 'trace'
  /** Where the first lock of the report was taken or asked for. */
  | 'lock'
  /** The frames right below the first line, without a heading. */
  | 'below'
  /** Traces of what was before: who allocated, who took the lock first. */
  | 'aside'
  /** Whoever a dispatcher (a system call, a softirq, a work queue) had called: where time went, not where a tick came in. */
  | 'dispatched'

export interface FailureRow {
  kind: string
  /** Where it is printed. */
  by: 'linux' | 'xen' | 'init'
  /** A literal that every first line holds: a cheap test before `start`. */
  word: string
  /** The first line of a report, without stamps; its named groups go into the title. */
  start: RegExp
  /** `{name}` is a group of `start`, a detail, or `frame`; the first title whose names are all known is taken. */
  titles: readonly string[]
  /** The line above the first one that is the report's as well, where it is none of those that all kinds have. */
  opening?: RegExp
  /** Found further down in the report: group 1. */
  details?: Readonly<Record<string, RegExp>>
  frames?: readonly FrameSource[]
  /** Functions that are not guilty of this kind, beside those that never are. */
  innocent?: RegExp
  /** Kinds of an open report of the same caller that this line goes on with: it begins none of its own. `*` is all. */
  continues?: readonly string[]
  /** Several processors and tasks print it together. */
  shared?: boolean
  /** Its last line, where it has one of its own. */
  end?: RegExp
  /** `error` where it is the image's fault and not the guest's. */
  verdict: 'crash' | 'error'
}

type Said = Omit<FailureRow, 'by' | 'verdict'>

export const linux = (row: Said): FailureRow => ({ by: 'linux', verdict: 'crash', ...row })
export const xen = (row: Said): FailureRow => ({ by: 'xen', verdict: 'crash', ...row })
