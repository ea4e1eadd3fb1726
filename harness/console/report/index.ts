// SPDX-License-Identifier: Apache-2.0
export type { ScannedFailure } from './open-report.ts'
export { FailureScanner, failuresOf } from './scanner.ts'
