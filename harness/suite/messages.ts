// SPDX-License-Identifier: Apache-2.0
/** What the pool and its workers say to each other, over the channel of `child_process.fork`. */
import type { Outcome, RunRequest, ScenarioRun, Surroundings } from '../scenario/index.ts'

/** One scenario on one platform, and where it is declared. */
export interface PlannedRun extends ScenarioRun {
  /** Absolute path of the scenario's file. */
  file: string
  /** Its place among the declarations of that file. */
  index: number
}

/** To a worker: run a job, or go when all is done. */
export type Order = Job | 'go'

/** A scenario to be run. */
export interface Job extends Surroundings {
  request: RunRequest
  run: PlannedRun
  /** The file's JavaScript. */
  script: string
  /** How often it may be tried again. */
  retries: number
}

/** What became of a job: an outcome, why there is nothing to run, or why it failed before (`leaving`: it was the worker's last). */
export type Ended = { outcome: Outcome } | { skipped: string } | { failed: string; leaving?: boolean }

/** From a worker: what became of the job, or that it is still at it. */
export type Report = Ended | { alive: true }
