// SPDX-License-Identifier: Apache-2.0
import { rm, stat, symlink } from 'node:fs/promises'
import { cpus } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { startVitest } from 'vitest/node'
import { exitStatus, makeResults, type RunIdentity, ScenarioReporter } from '../report/index.ts'
import { requestEnvironment } from '../scenario/index.ts'
import { makeFolder, writeWhole } from './files.ts'
import { PROJECT, SCENARIO_ENDING, SCENARIOS } from './project.ts'
import { newRunId, runFolder } from './run-folder.ts'
import type { RunOptions } from './run-options.ts'
import { setUpWithProgress } from './set-up-with-progress.ts'
import { Exit } from './usage.ts'

/** Runs the scenarios of `files` (paths of files or folders; none: all) and returns the exit status. */
export async function runScenarios(files: string[], options: RunOptions): Promise<number> {
  const images = await setUpWithProgress({ kernel: options.kernel, xen: options.xen })
  const startedAt = new Date()
  const id = newRunId(startedAt)
  const dir = runFolder(id, options.out)
  await makeFolder(dir)
  if (!options.out) await pointLatestTo(dir)
  const reporter = new ScenarioReporter()
  const begin = performance.now()
  const vitest = await startVitest('test', [], {
    config: false,
    root: PROJECT,
    watch: false,
    passWithNoTests: true,
    include: await patterns(files),
    reporters: [
      reporter,
      ...(options.junit ? [['junit', { outputFile: resolve(options.junit) }] as ['junit', object]] : []),
    ],
    env: requestEnvironment({
      dir,
      kernel: options.kernel,
      xen: options.xen,
      cold: options.cold,
      platforms: options.platform ? [options.platform] : undefined,
    }),
    pool: 'forks',
    isolate: false,
    maxWorkers: options.workers ?? cpus().length,
    retry: options.retries,
    ...(options.name === undefined ? {} : { testNamePattern: options.name }),
    ...(options.shard ? { shard: `${options.shard.index}/${options.shard.count}` } : {}),
  })
  await vitest.close()
  process.exitCode = Exit.ok
  const identity: RunIdentity = {
    id,
    startedAt: startedAt.toISOString(),
    qemu: images.qemu.version,
    xen: images.xen.version,
    kernel: images.kernel.release,
  }
  const results = makeResults(identity, performance.now() - begin, reporter.scenarios)
  const json = `${JSON.stringify(results, undefined, 2)}\n`
  await writeWhole(join(dir, 'results.json'), json)
  if (options.json) await writeWhole(resolve(options.json), json)
  if (reporter.problems.length > 0) return Exit.notTried
  if (reporter.scenarios.length === 0) {
    process.stderr.write('error: no scenario matches\n→ guestrig list shows what there is\n')
    return Exit.usage
  }
  return exitStatus(results.totals)
}

/** What Vitest looks for: the named files themselves, and the scenario files below the named folders. */
async function patterns(files: string[]): Promise<string[]> {
  const places = files.length > 0 ? files.map((file) => resolve(file)) : [join(PROJECT, SCENARIOS)]
  return await Promise.all(
    places.map(async (place) =>
      (await stat(place)).isDirectory() ? `${place}/**/*${SCENARIO_ENDING}` : place,
    ),
  )
}

/** `guestrig-runs/latest` leads to the newest run. */
async function pointLatestTo(dir: string): Promise<void> {
  const link = join(dirname(dir), 'latest')
  await rm(link, { force: true })
  await symlink(relative(dirname(link), dir), link).catch(() => {})
}
