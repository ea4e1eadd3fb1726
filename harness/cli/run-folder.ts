// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto'
import { join, resolve } from 'node:path'

/** A name for what begins at `startedAt`: sorts by time, and two that begin at once differ. */
export const newRunId = (startedAt: Date): string =>
  `${startedAt.toISOString().slice(0, 19).replaceAll(':', '-')}-${randomBytes(3).toString('hex')}`

/** The folder of the run `id`: `out` if that was asked for, otherwise a new one below the current folder. */
export const runFolder = (id: string, out: string | undefined): string =>
  resolve(out ?? join('guestrig-runs', id))
