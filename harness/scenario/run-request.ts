// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path'

/** What `guestrig run` tells the processes that run scenarios. Under a bare `vitest` every part has its default. */
export interface RunRequest {
  /** Folder of the run; each scenario has one of its own in it. */
  dir: string
  /** Boot every board; no snapshot. */
  cold?: boolean | undefined
  /** Scenarios are run one by one by a worker of `harness/suite`; else each is a test of Vitest's as soon as its file is loaded. */
  pooled?: boolean
}

const VARIABLE = 'GUESTRIG_RUN'

/** The environment that carries the request to the processes. */
export const requestEnvironment = (request: RunRequest): Record<string, string> => ({
  [VARIABLE]: JSON.stringify(request),
})

export function currentRequest(): RunRequest {
  const text = process.env[VARIABLE]
  return text ? (JSON.parse(text) as RunRequest) : { dir: resolve('guestrig-runs', 'vitest') }
}
