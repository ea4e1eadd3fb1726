// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path'

/** What `guestrig run` wants of the processes that load scenarios. Under a bare `vitest` every part has its default. */
export interface RunRequest {
  /** Folder of the run; each scenario has one of its own in it. */
  dir: string
  /** Boot every board; no snapshot. */
  cold?: boolean | undefined
  /** Scenarios are run one by one by a worker of `harness/suite`; else each is a test of Vitest's as soon as its file is loaded. */
  pooled?: boolean
}

let request: RunRequest | undefined

/** For the scenarios that this process loads and runs from now on. */
export function setRequest(wanted: RunRequest): void {
  request = wanted
}

export const currentRequest = (): RunRequest => request ?? { dir: resolve('guestrig-runs', 'vitest') }
