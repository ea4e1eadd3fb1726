// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander'

export function registerTest(program: Command): void {
  program
    .command('test [files...]')
    .description('set everything up, then run every test and every scenario of this checkout')
    .action(async (files: string[]) => {
      const { runTests } = await import('./run-tests.ts')
      process.exitCode = await runTests(files)
    })
}
