// SPDX-License-Identifier: Apache-2.0
/** The results of a run, as `--json` writes them. */
import { arch, cpus, hostname, release } from 'node:os'
import type { TestCase } from 'vitest/node'
import type { Outcome } from '../scenario/index.ts'

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

/** The result of one of Vitest's test cases; a scenario that did not even begin is an error. */
export function scenarioResult(test: TestCase): ScenarioResult {
  const outcome = test.meta().guestrig
  const result = test.result()
  const skipped = result.state === 'skipped' ? (result.note ?? '') : undefined
  return {
    file: test.module.relativeModuleId,
    name: test.name,
    platform: outcome?.platform ?? '',
    verdict: outcome?.verdict ?? (skipped === undefined ? 'error' : 'skip'),
    durationMs: Math.round(outcome?.durationMs ?? 0),
    bootMs: outcome?.bootMs === undefined ? null : Math.round(outcome.bootMs),
    restored: outcome?.restored ?? false,
    attempts: outcome?.attempts ?? 0,
    signature: outcome?.signature ?? '',
    message: outcome?.message ?? skipped ?? (result.errors ?? []).map(({ message }) => message).join('\n'),
    measurements: outcome?.measurements ?? [],
    artifacts: { dir: outcome?.dir ?? '' },
  }
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
