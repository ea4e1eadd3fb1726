// SPDX-License-Identifier: Apache-2.0
import { rm, symlink } from 'node:fs/promises'
import { dirname, join, relative, resolve } from 'node:path'
import { compiled } from '../../bin/compile.mjs'
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
import { requestEnvironment } from '../scenario/index.ts'
import { type PlannedRun, WorkerPool } from '../suite/index.ts'
import { boardsAtOnce } from './boards-at-once.ts'
import { makeFolder, writeWhole } from './files.ts'
import { interruptible } from './interruptible.ts'
import type { Plan } from './plan-runs.ts'
import { PROJECT } from './project.ts'
import { newRunId, runFolder } from './run-folder.ts'
import type { RunOptions } from './run-options.ts'
import { setUpWithProgress } from './set-up-with-progress.ts'
import { Exit } from './usage.ts'

/** Runs the scenarios of `files` (paths of files or folders; none: all) and returns the exit status. */
export async function runScenarios(files: string[], options: RunOptions): Promise<number> {
  const startedAt = new Date()
  const id = newRunId(startedAt)
  const dir = runFolder(id, options.out)
  const reporter = new ScenarioReporter()
  const ran = await planAndRun(files, { dir, reporter, options })
  const { images, plan, scenarios, durationMs, interrupted } = ran
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

interface Ran {
  images: Images
  plan: Plan
  /** In the order of the plan, however they came. */
  scenarios: ScenarioResult[]
  /** ms, from the plan to the last verdict. */
  durationMs: number
  /** The exit status of an interruption. */
  interrupted: number | undefined
}

interface Request {
  dir: string
  reporter: ScenarioReporter
  options: RunOptions
}

/** The first worker starts while it is looked whether all is set up. */
async function planAndRun(files: string[], request: Request): Promise<Ran> {
  const { dir, options } = request
  const { kernel, xen, cold, retries, workers = boardsAtOnce() } = options
  const worker = join(await compiled(), 'harness/suite/worker.js')
  const env = requestEnvironment({ dir, cold, pooled: true })
  return await interruptible(async (signal, interrupted) => {
    const pool = new WorkerPool({ worker, dir, env, workers, retries, signal })
    try {
      const images = await setUpWithProgress({ kernel, xen })
      await makeFolder(dir)
      if (!options.out) await pointLatestTo(dir)
      const begin = performance.now()
      // To plan is to load the scenarios, and with them the whole harness: the worker starts meanwhile.
      const { planRuns } = await import('./plan-runs.ts')
      const plan = await planRuns(files, options)
      const scenarios = await runPlan(plan, images, pool, request.reporter)
      return { images, plan, scenarios, durationMs: performance.now() - begin, interrupted: interrupted() }
    } finally {
      pool.close()
    }
  })
}

async function runPlan(
  plan: Plan,
  images: Images,
  pool: WorkerPool,
  reporter: ScenarioReporter,
): Promise<ScenarioResult[]> {
  for (const { message } of plan.problems) reporter.problem(message)
  const results = new Map<PlannedRun, ScenarioResult>()
  const jobs = plan.runs.map((run) => ({ run, script: plan.scripts.get(run.file) as string, images }))
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
