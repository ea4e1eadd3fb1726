// SPDX-License-Identifier: Apache-2.0
export { Console, type ConsoleContext } from './console.ts'
export { Demultiplexer } from './demultiplexer.ts'
export { type Found, watchForFailure } from './failure-watch.ts'
export { type ConsoleLine, XEN } from './line.ts'
export type { Source } from './open-line.ts'
export { printable } from './printable.ts'
export { DeadlineExpired, type Failure, GuestCrash, GuestHang, indent, type Verdict } from './problems.ts'
export { FailureScanner, failuresOf, type ScannedFailure } from './report/index.ts'
