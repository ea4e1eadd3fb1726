// SPDX-License-Identifier: Apache-2.0
import { resolve } from 'node:path'
import type { Reporter, TestModule } from 'vitest/node'
import { startVitest } from 'vitest/node'
import { PROJECT } from './project.ts'
import { setUpWithProgress } from './set-up-with-progress.ts'
import { Exit } from './usage.ts'

/** The flavours that the tests boot beside the usual kernel. */
const KERNELS = ['6.12', '6.12+no-of-dynamic']

/** Counts, for the line that CI reads. */
class Counts implements Reporter {
  passed = 0
  failed = 0

  onTestRunEnd(modules: readonly TestModule[], unhandled: readonly unknown[]): void {
    for (const module of modules) {
      for (const test of module.children.allTests()) {
        const { state } = test.result()
        if (state === 'passed') this.passed++
        if (state === 'failed') this.failed++
      }
      if (module.errors().length > 0) this.failed++
    }
    this.failed += unhandled.length
  }
}

/** Runs the tests whose files match (none: all), prints `N passed, N failed`, and returns the exit status. */
export async function runTests(files: string[]): Promise<number> {
  for (const kernel of KERNELS) await setUpWithProgress({ kernel })
  const counts = new Counts()
  const vitest = await startVitest('test', files, {
    root: PROJECT,
    config: resolve(PROJECT, 'vitest.config.ts'),
    watch: false,
    reporters: ['default', counts],
  })
  await vitest.close()
  process.stdout.write(`${counts.passed} passed, ${counts.failed} failed\n`)
  return counts.failed > 0 || counts.passed === 0 ? Exit.failed : Exit.ok
}
