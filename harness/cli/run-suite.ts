// SPDX-License-Identifier: Apache-2.0
import { rm, symlink } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import type { Images } from '../../images/index.ts'
import { plainJson } from '../console/index.ts'
import {
  exitStatus,
  junitReport,
  makeResults,
  type Results,
  ScenarioReporter,
  type ScenarioResult,
  scenarioResult,
  totalsOf,
} from '../report/index.ts'
import type { PlannedRun, WorkerPool } from '../suite/index.ts'
import { makeFolder, writeWhole } from './files.ts'
import { type Plan, planRuns } from './plan-runs.ts'
import { PROJECT } from './project.ts'
import type { RunOptions } from './run-options.ts'
import { setUpWithProgress } from './set-up-with-progress.ts'
import { Exit } from './usage.ts'

/** One run of scenarios, from what was asked for to its results. */
interface SuiteRun {
  id: string
  startedAt: Date
  /** The run's folder. */
  dir: string
  pool: WorkerPool
  /** The exit status of an interruption, if there was one. */
  interrupted: () => number | undefined
  options: RunOptions
}

/** Sets up what is not there, plans, runs, reports, and writes the results. Returns the exit status. */
export async function runSuite(files: string[], run: SuiteRun): Promise<number> {
  const { id, startedAt, dir, options } = run
  const reporter = new ScenarioReporter()
  const { kernel, xen } = options
  const images = await setUpWithProgress({ kernel, xen })
  await makeFolder(dir)
  if (!options.out) await pointLatestTo(dir)
  const begin = performance.now()
  const plan = await planRuns(files, options)
  const scenarios = await runPlan(plan, images, reporter, run)
  const durationMs = performance.now() - begin
  const interrupted = run.interrupted()
  if (scenarios.length > 0 || plan.problems.length > 0)
    reporter.summary(scenarios, plan.problems.length, durationMs)
  const identity = { id, startedAt: startedAt.toISOString(), ...versions(images) }
  await write(makeResults(identity, durationMs, scenarios), dir, options)
  if (interrupted) {
    const left = plan.runs.length - scenarios.length
    process.stderr.write(
      `interrupted: ${left} ${left === 1 ? 'scenario has' : 'scenarios have'} no verdict\n`,
    )
    return interrupted
  }
  if (plan.problems.length > 0) return Exit.notTried
  if (plan.runs.length === 0) {
    process.stderr.write('error: no scenario matches\n→ guestrig list shows what there is\n')
    return Exit.usage
  }
  return exitStatus(totalsOf(scenarios))
}

const versions = ({ qemu, xen, kernel }: Images) => ({
  ...{ qemu: qemu.version, xen: xen.version, kernel: kernel.release },
})

async function runPlan(
  plan: Plan,
  images: Images,
  reporter: ScenarioReporter,
  { dir, pool, options: { cold } }: SuiteRun,
): Promise<ScenarioResult[]> {
  for (const { message } of plan.problems) reporter.problem(message)
  const results = new Map<PlannedRun, ScenarioResult>()
  const request = { dir, cold, pooled: true }
  const scriptOf = ({ file }: PlannedRun) => plan.scripts.get(file) as string
  const jobs = plan.runs.map((run) => ({ run, script: scriptOf(run), images, request }))
  await pool.run(jobs, (run, ended) => {
    const result = scenarioResult(relative(PROJECT, run.file), run, ended)
    results.set(run, result)
    reporter.scenario(result)
  })
  return plan.runs.flatMap((run) => results.get(run) ?? [])
}

async function write(results: Results, dir: string, { json, junit }: RunOptions): Promise<void> {
  const text = `${plainJson(results)}\n`
  await writeWhole(join(dir, 'results.json'), text)
  if (json) await writeWhole(resolve(json), text)
  if (junit) await writeWhole(resolve(junit), await junitReport(results.scenarios))
}

/** `guestrig-runs/latest` leads to the newest run. */
async function pointLatestTo(dir: string): Promise<void> {
  const link = join(dirname(dir), 'latest')
  await rm(link, { force: true })
  await symlink(relative(dirname(link), dir), link).catch(() => {})
}
