// SPDX-License-Identifier: Apache-2.0
import { relative } from 'node:path'
import { printDiffOrStringify } from '@vitest/utils/diff'
import { HostProblem } from '../../images/index.ts'
import { DeadlineExpired, GuestCrash, GuestHang, type Verdict } from '../console/index.ts'
import { CommandFailed, ModelFailure, type PlatformName } from '../platform/index.ts'

/** A time that a scenario measured, for its reader: no verdict depends on it. */
export interface Measurement {
  what: string
  ms: number
}

/** What became of one scenario on one platform. */
export interface Outcome {
  platform: PlatformName
  verdict: Verdict
  /** ms, from the start of the board to the verdict. */
  durationMs: number
  /** ms from QEMU's start until every domain was up; undefined if that never was. */
  bootMs?: number | undefined
  /** Whether the board came from a snapshot. */
  restored: boolean
  /** How often it was tried. */
  attempts: number
  /** The same for two runs of the same failure; empty for a pass. */
  signature: string
  message: string
  /** What the script measured. */
  measurements: Measurement[]
  /** The scenario's folder. */
  dir: string
}

/** The verdict that an error of a scenario stands for. */
export function verdictOf(error: unknown): Verdict {
  if (error instanceof GuestCrash || error instanceof GuestHang || error instanceof DeadlineExpired)
    return error.verdict
  // A model may assert on what the guest does to it.
  if (error instanceof ModelFailure) return isAssertion(error.cause) ? 'fail' : 'error'
  if (error instanceof HostProblem) return 'error'
  if (error instanceof CommandFailed || isAssertion(error)) return 'fail'
  return 'error'
}

const isAssertion = (error: unknown): boolean => error instanceof Error && error.name === 'AssertionError'

/** What is said of an error: its message, what was compared if it compares, and where in the script it happened. */
export function messageOf(error: unknown): string {
  if (error instanceof HostProblem) return `${error.message}\n→ ${error.remedy}`
  if (!(error instanceof Error)) return String(error)
  return [error.message, differenceIn(error), placeOf(error)].filter(Boolean).join('\n')
}

/** The lines in which what was compared differs. */
function differenceIn(error: Error & { showDiff?: boolean; expected?: unknown; actual?: unknown }): string {
  if (!error.showDiff) return ''
  return printDiffOrStringify(error.actual, error.expected) ?? ''
}

/** The line of the script, or of a file beside it, from which the error came. */
function placeOf({ stack = '' }: Error): string {
  const frame = stack.split('\n').find((line) => /^\s+at .*\.ts:\d+:\d+\)?$/.test(line) && !OURS.test(line))
  const place = /(\/\S+\.ts:\d+:\d+)\)?$/.exec(frame?.replace('file://', '') ?? '')?.[1]
  if (!place) return ''
  const near = relative(process.cwd(), place)
  return `at ${near.startsWith('..') ? place : near}`
}

/** Files that are not a user's. */
const OURS = /\/harness\/|\/images\/|\/node_modules\//

/** Without what differs from run to run: times, addresses, numbers. The titles of failures are without them already. */
export function signatureOf(verdict: Verdict, error: unknown): string {
  if (error instanceof GuestCrash) return `${verdict}: ${error.failure.title}`
  const title = messageOf(error).split('\n')[0] ?? ''
  return `${verdict}: ${title.replace(/0x[0-9a-f]+|\b[0-9a-f]{8,}\b/gi, 'ADDR').replace(/\d+(\.\d+)?/g, 'N')}`
}
