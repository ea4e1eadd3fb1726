// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander'
import type { ExplainOptions } from './explain-log.ts'
import { Exit } from './usage.ts'

export function registerExplain(program: Command): void {
  program
    .command('explain')
    .description('the failures in any console log: title, guilty function, report; status 1 if there are any')
    .argument('<file>', 'a log of Linux, of Xen or of both; - is standard input')
    .option('--json', 'as JSON')
    .option('--vmlinux <file>', 'the kernel with debug info: its functions get the lines of their source')
    .option('--module <file...>', 'the same for modules (.ko)')
    .action(async (file: string, options: ExplainOptions) => {
      const { explainLog } = await import('./explain-log.ts')
      process.exitCode = (await explainLog(file, options)) ? Exit.failed : Exit.ok
    })
}
