// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path'
import { compiled } from '../../bin/compile.mjs'
import { WorkerPool } from '../suite/index.ts'
import { boardsAtOnce } from './boards-at-once.ts'
import { interruptible } from './interruptible.ts'
import { newRunId, runFolder } from './run-folder.ts'
import type { RunOptions } from './run-options.ts'

/**
 * Runs the scenarios of `files` (paths of files or folders; none: all) and returns the exit status. The first worker starts while this process loads
 * the rest of what it needs, which is most of the harness.
 */
export async function runScenarios(files: string[], options: RunOptions): Promise<number> {
  const startedAt = new Date()
  const id = newRunId(startedAt)
  const dir = runFolder(id, options.out)
  const { retries, workers = boardsAtOnce() } = options
  const worker = join(await compiled(), 'harness/suite/worker.js')
  return await interruptible(async (signal, interrupted) => {
    const pool = new WorkerPool({ worker, dir, workers, retries, signal })
    try {
      const { runSuite } = await import('./run-suite.ts')
      return await runSuite(files, { id, startedAt, dir, pool, interrupted, options })
    } finally {
      pool.close()
    }
  })
}
