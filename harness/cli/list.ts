// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander'

export function registerList(program: Command): void {
  program
    .command('list')
    .description('the scenarios, their platforms and tags')
    .option('--json', 'as JSON')
    .action(async (options: { json?: boolean }) => {
      const { listScenarios } = await import('./list-scenarios.ts')
      process.stdout.write(await listScenarios(options.json === true))
    })
}
