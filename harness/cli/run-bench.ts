// SPDX-License-Identifier: Apache-2.0
import { mkdtempSync, rmSync } from 'node:fs'
import { cpus, loadavg, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { bench, benchCommands, benchModels, benchSuite } from '../bench/index.ts'
import { benchChart } from './bench-chart.ts'
import { type BenchReport, benchTable } from './bench-table.ts'
import { makeFolder, writeWhole } from './files.ts'
import { setUpWithProgress } from './set-up-with-progress.ts'
import { Exit, UsageError } from './usage.ts'

/** The options of `bench`, as commander gives them. */
export interface BenchOptions {
  only?: 'boards' | 'models' | 'commands' | 'suite'
  platform?: 'virt' | 'xen'
  rounds?: number
  scenarios: number
  json?: string
  svg?: string
  out?: string
}

/** How often things are measured if nobody says. */
const ROUNDS = 5

/** Measures, prints the table, and writes the same as JSON, and draws the boards, if it is asked for. Slow is no failure. */
export async function runBench(options: BenchOptions): Promise<void> {
  const wanted = (part: BenchOptions['only']) => options.only === undefined || options.only === part
  if (options.svg && !wanted('boards')) throw new UsageError('--svg draws boards, and --only leaves them out')
  const images = await setUpWithProgress()
  exitWhenInterrupted()
  const startedAt = new Date().toISOString()
  const host = { processors: cpus().length, model: cpus()[0]?.model ?? '', load: loadavg()[0] ?? 0 }
  if (options.out) await makeFolder(resolve(options.out))
  const common = {
    images,
    rounds: options.rounds ?? ROUNDS,
    dir: options.out ? resolve(options.out) : temporaryFolder(),
    progress: (what: string) => process.stderr.write(`${what}\n`),
  }
  const both = options.platform ? [options.platform] : (['virt', 'xen'] as const)
  const platforms = wanted('boards') ? await bench({ ...common, platforms: both }) : []
  const models = wanted('models') ? await benchModels(common) : []
  const commands = wanted('commands') ? await benchCommands({ ...common, platforms: both }) : []
  const suite = wanted('suite') ? await benchSuite({ ...common, scenarios: options.scenarios }) : []
  const report: BenchReport = {
    version: 2,
    startedAt,
    host: { ...host, node: process.versions.node },
    qemu: images.qemu.version,
    kernel: images.kernel.release,
    xen: images.xen.version,
    rounds: common.rounds,
    platforms,
    models,
    commands,
    suite,
    peakRss: process.resourceUsage().maxRSS * 1024,
  }
  process.stdout.write(benchTable(report))
  if (options.json) await writeWhole(resolve(options.json), `${JSON.stringify(report, undefined, 2)}\n`)
  if (options.svg) await writeWhole(resolve(options.svg), benchChart(report))
}

/** A folder that goes when this process ends, interrupted or not. */
function temporaryFolder(): string {
  const dir = mkdtempSync(join(tmpdir(), 'guestrig-bench-'))
  process.once('exit', () => rmSync(dir, { recursive: true, force: true }))
  return dir
}

/** Ends this process on a signal; every QEMU is tied to it and goes as well. */
function exitWhenInterrupted(): void {
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, () => process.exit(Exit.interrupted))
}
