// SPDX-License-Identifier: Apache-2.0
export { collect, type LoadProblem, type Script } from './collect.ts'
export type { PlannedRun } from './messages.ts'
export { type Ended, WorkerPool } from './pool.ts'
