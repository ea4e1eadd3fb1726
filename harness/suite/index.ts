// SPDX-License-Identifier: Apache-2.0
export { collect, type LoadProblem, type Script } from './collect.ts'
export type { Ended, PlannedRun } from './messages.ts'
export { WorkerPool } from './pool.ts'
