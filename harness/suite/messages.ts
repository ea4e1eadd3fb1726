// SPDX-License-Identifier: Apache-2.0
/** What the pool and its workers say to each other, over the channel of `child_process.fork`. */
import type { Outcome, ScenarioRun } from '../scenario/index.ts'

/** One scenario on one platform, and where it is declared. */
export interface PlannedRun extends ScenarioRun {
  /** Absolute path of the scenario's file. */
  file: string
  /** Its place among the declarations of that file. */
  index: number
}

/** To a worker: run this. */
export interface Job {
  run: PlannedRun
  /** The file's JavaScript. */
  script: string
  /** How often it may be tried again. */
  retries: number
}

/** From a worker: what became of the job (and that it is the last, because the worker goes), or that it is still at it. */
export type Report = { outcome: Outcome } | { failed: string; leaving?: boolean } | { alive: true }
