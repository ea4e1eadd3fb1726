// SPDX-License-Identifier: Apache-2.0
import { type Command, Option } from 'commander'
import type { BenchOptions } from './run-bench.ts'
import { wholeNumber } from './usage.ts'

export function registerBench(program: Command): void {
  program
    .command('bench')
    .description(
      'the figures of this machine: boards beside bare QEMU, models beside functions in C and of QEMU, commands beside bare Node',
    )
    .addOption(new Option('--only <what>', 'only these').choices(['boards', 'models', 'commands', 'suite']))
    .addOption(
      new Option('--platform <name>', 'boards, and runs, only on this platform').choices(['virt', 'xen']),
    )
    .option('--rounds <n>', 'how often each is measured (default: 5)', wholeNumber(1))
    .option('--scenarios <n>', 'how many the suite has; its bounds are for 60', wholeNumber(1), 60)
    .option('--json <file>', 'writes the figures there')
    .option('--svg <file>', "draws the boards' time line there, from QEMU's start to the verdict")
    .option('--out <dir>', "keeps the runs' folders there (default: they are removed)")
    .action(async (options: BenchOptions) => {
      const { runBench } = await import('./run-bench.ts')
      await runBench(options)
    })
}
