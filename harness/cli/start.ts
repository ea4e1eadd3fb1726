// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander'

export function registerStart(program: Command): void {
  program
    .command('start')
    .description('set everything up, then run the pseudo-hotplug scenarios on both platforms')
    .action(async () => {
      const { runScenarios } = await import('./run-scenarios.ts')
      process.exitCode = await runScenarios(['scenarios/pseudo-hotplug'], { retries: 0 })
    })
}
