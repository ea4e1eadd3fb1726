// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander'
import { checkArguments, type RunOptions, withRunOptions } from './run-options.ts'

export function registerRun(program: Command): void {
  withRunOptions(program.command('run [files...]').description('run scenarios (default: all)')).action(
    async (files: string[], options: RunOptions) => {
      await checkArguments(files, options)
      const { runScenarios } = await import('./run-scenarios.ts')
      process.exitCode = await runScenarios(files, options)
    },
  )
}
