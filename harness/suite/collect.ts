// SPDX-License-Identifier: Apache-2.0
import { relative } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { PlannedRun } from './messages.ts'

/** A scenario file: where it is, and its JavaScript. */
export interface Script {
  file: string
  script: string
}

/** A file that could not be loaded, and why. */
export interface LoadProblem {
  file: string
  message: string
}

/**
 * Loads scenario files, without running what is in them: the runs that they declare, in their order, and the files that failed. With them comes most of
 * the harness, and not before: a pool of workers starts without.
 */
export async function collect(
  scripts: readonly Script[],
): Promise<{ runs: PlannedRun[]; problems: LoadProblem[] }> {
  const { setRequest, takeDeclared } = await import('../scenario/index.ts')
  setRequest({ dir: '', pooled: true })
  const runs: PlannedRun[] = []
  const problems: LoadProblem[] = []
  for (const { file, script } of scripts) {
    try {
      await import(pathToFileURL(script).href)
      const declared = takeDeclared()
      runs.push(...declared.map(({ run: _, ...plain }, index) => ({ ...plain, file, index })))
    } catch (error) {
      takeDeclared()
      const message = error instanceof Error ? (error.stack ?? error.message) : String(error)
      problems.push({ file, message: `${relative(process.cwd(), file)} cannot be loaded: ${message}` })
    }
  }
  return { runs, problems }
}
