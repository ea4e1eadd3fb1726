// SPDX-License-Identifier: Apache-2.0
import { stat } from 'node:fs/promises'
import { type Command, InvalidArgumentError, Option } from 'commander'
import { UsageError, wholeNumber } from './usage.ts'

/** The options of `run`, as commander gives them. */
export interface RunOptions {
  name?: string
  platform?: 'virt' | 'xen'
  kernel?: string
  xen?: string
  retries: number
  workers?: number
  shard?: { index: number; count: number }
  cold?: boolean
  out?: string
  json?: string
  junit?: string
}

function shard(text: string): { index: number; count: number } {
  const match = /^(\d+)\/(\d+)$/.exec(text)
  const [index = 0, count = 0] = match?.slice(1).map(Number) ?? []
  if (index < 1 || index > count) throw new InvalidArgumentError('I/N, please, with 1 ≤ I ≤ N.')
  return { index, count }
}

/** Adds the options that choose and configure a run. */
export function withRunOptions(command: Command): Command {
  return command
    .option('-t, --name <pattern>', 'only scenarios whose name matches')
    .addOption(new Option('--platform <name>', 'only on this platform').choices(['virt', 'xen']))
    .option('--kernel <spec>', "the guest's kernel: a version such as 6.12, or the path of an Image")
    .option('--xen <spec>', 'the hypervisor: a version such as 4.20, or the path of an image')
    .option('--retries <n>', 'tries again what did not pass, and calls it flaky', wholeNumber(0), 0)
    .option('--workers <n>', 'boards at once (default: the number of cores)', wholeNumber(1))
    .option('--shard <i/n>', 'only part I of N', shard)
    .option('--cold', 'boots every board, instead of restoring a snapshot')
    .option('--out <dir>', "the run's folder (default: a new one in guestrig-runs/)")
    .option('--json <file>', 'writes the results there')
    .option('--junit <file>', 'writes the results there, as JUnit does')
}

/** Files and folders that were named must be there, and be scenarios; the pattern must be one. */
export async function checkArguments(files: string[], { name = '' }: RunOptions): Promise<void> {
  for (const file of files) {
    const found = await stat(file).catch(() => {
      throw new UsageError(`there is no scenario file ${file}`)
    })
    if (!found.isDirectory() && !/\.[cm]?[jt]s$/.test(file)) {
      throw new UsageError(`${file} is no scenario: a scenario is a script, NAME.scenario.ts`)
    }
  }
  try {
    new RegExp(name)
  } catch (error) {
    throw new UsageError(`-t '${name}' is no pattern: ${(error as Error).message}`)
  }
}
