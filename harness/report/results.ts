// SPDX-License-Identifier: Apache-2.0
/** The results of a run, as `--json` writes them. */
import { arch, cpus, hostname, release } from 'node:os'
import { type Outcome, type ScenarioRun, titleOf } from '../scenario/index.ts'

/** What ran, for the head of the results. */
export interface RunIdentity {
  id: string
  /** ISO 8601. */
  startedAt: string
  qemu: string
  xen: string
  kernel: string
}

export interface ScenarioResult {
  /** Path of the script, relative to the project. */
  file: string
  name: string
  platform: string
  /** `skip`: it needs another kernel, and the message says which; nothing was run. */
  verdict: Outcome['verdict'] | 'skip'
  /** ms */
  durationMs: number
  bootMs: number | null
  /** Whether the board came from a snapshot. */
  restored: boolean
  attempts: number
  signature: string
  message: string
  measurements: Outcome['measurements']
  artifacts: { dir: string }
}

type Totals = Record<ScenarioResult['verdict'] | 'flaky', number>

export interface Results {
  version: 1
  run: RunIdentity & { durationMs: number; host: Record<string, string | number> }
  scenarios: ScenarioResult[]
  totals: Totals
}

/**
 * The result of a run of one scenario: its outcome, or why there is none, which is an error.
 *
 * @param file path of the script, relative to the project
 */
export function scenarioResult(
  file: string,
  run: ScenarioRun,
  ended: { outcome: Outcome } | { skipped: string } | { failed: string },
): ScenarioResult {
  const named = { file, name: titleOf(run), platform: run.platform }
  if ('skipped' in ended)
    return { ...named, ...NOTHING, verdict: 'skip', signature: '', message: ended.skipped }
  if ('failed' in ended) return { ...named, ...NOTHING, message: ended.failed }
  const { verdict, durationMs, bootMs, restored, attempts, signature, message, measurements, dir } =
    ended.outcome
  return {
    ...named,
    ...{ verdict, restored, attempts, signature, message, measurements },
    durationMs: Math.round(durationMs),
    bootMs: bootMs === undefined ? null : Math.round(bootMs),
    artifacts: { dir },
  }
}

/** The result of a scenario that did not even begin. */
const NOTHING: Omit<ScenarioResult, 'file' | 'name' | 'platform' | 'message'> = {
  ...{ verdict: 'error', durationMs: 0, bootMs: null, restored: false, attempts: 0 },
  ...{ signature: 'error: it did not begin', measurements: [], artifacts: { dir: '' } },
}

export function totalsOf(scenarios: ScenarioResult[]): Totals {
  const totals: Totals = { pass: 0, fail: 0, crash: 0, hang: 0, error: 0, skip: 0, flaky: 0 }
  for (const { verdict, attempts } of scenarios) {
    totals[verdict]++
    if (verdict === 'pass' && attempts > 1) totals.flaky++
  }
  return totals
}

export function makeResults(run: RunIdentity, durationMs: number, scenarios: ScenarioResult[]): Results {
  const host = {
    name: hostname(),
    kernel: release(),
    arch: arch(),
    cpus: cpus().length,
    node: process.version,
  }
  return {
    version: 1,
    run: { ...run, durationMs: Math.round(durationMs), host },
    scenarios,
    totals: totalsOf(scenarios),
  }
}

/** Exit status of a run: 1 where a guest failed, 125 where only the host did or nothing was run, so that `git bisect run` skips. */
export function exitStatus({ pass, fail, crash, hang, error, skip }: Totals): number {
  if (fail + crash + hang > 0) return 1
  return error > 0 || (pass === 0 && skip > 0) ? 125 : 0
}
