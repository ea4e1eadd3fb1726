// SPDX-License-Identifier: Apache-2.0
import { type Console, DeadlineExpired, indent } from '../console/index.ts'
import type { TraceEntry } from '../pci/index.ts'
import { type Board, within } from '../platform/index.ts'
import { nearestLine } from './nearest.ts'

/** How many lines of the console a message shows. */
const SHOWN = 12

export interface Wait<T> {
  /** Looks at the console's lines from the cursor on; undefined: not yet. */
  probe: () => T | undefined
  /** ms, stretched by the board's speed. */
  timeout: number
  /** What is awaited, as far as it has not come. */
  awaited: () => string
  /** The pattern that has not been matched, and where the search for it began. */
  missing: () => { pattern: RegExp; from: number }
}

/**
 * Resolves as soon as `probe` finds something, at once if it is there already.
 *
 * @throws DeadlineExpired when it does not come in time, GuestHang when the guest does not answer either.
 */
export async function waitOn<T>(console: Console, wait: Wait<T>): Promise<T> {
  const { interruption, scale, isAlive, hang } = console.context
  const ms = scale(wait.timeout)
  const explain = () => {
    const { pattern, from } = wait.missing()
    const missed = `${console.domain} did not print within ${ms} ms: ${wait.awaited()}`
    return [missed, ...whatCame(console, pattern, from)].join('\n')
  }
  let stop = () => {}
  const found = () =>
    new Promise<T>((resolve) => {
      const look = () => {
        const result = wait.probe()
        if (result !== undefined) resolve(result)
      }
      stop = console.onChange(look)
      look()
    })
  try {
    return await within(ms, found, { interruption, explain })
  } catch (error) {
    if (error instanceof DeadlineExpired && !(await isAlive())) {
      throw await hang(`${console.domain} does not answer any more; ${error.message}`)
    }
    throw error
  } finally {
    stop()
  }
}

/** For the message: what came instead of a line that matches `pattern`, from line `from` on. */
export function whatCame(console: Console, pattern: RegExp, from: number): string[] {
  const since = console.texts(from)
  const last = since.slice(-SHOWN)
  const nearest = nearestLine(pattern, since)
  const earlier = new LineSearch(console, pattern, console.first).next()
  const { unended, first } = console
  return [
    ...(nearest !== undefined && !last.includes(nearest) ? ['the nearest line was:', indent([nearest])] : []),
    ...(nearest !== undefined && last.includes(nearest) ? [`the nearest line was: ${nearest}`] : []),
    ...(earlier !== undefined && earlier < from
      ? [`it was printed before the cursor: ${console.line(earlier)?.text}`]
      : []),
    ...(from < first
      ? [`${first - from} lines since the cursor are no longer in memory; the run's folder has them`]
      : []),
    ...(unended ? [`it has begun a line: ${unended.text}`] : []),
    last.length
      ? `since the cursor it printed last:\n${indent(last)}`
      : 'since the cursor it printed nothing.',
    ...(last.length ? [] : ['its last lines before that:', indent(console.tail(SHOWN))]),
  ]
}

/** Looks for lines that match, each line once. */
export class LineSearch {
  readonly #console: Console
  readonly #pattern: RegExp
  /** Index of the line that is looked at next. */
  at: number

  constructor(console: Console, pattern: RegExp, from: number) {
    this.#console = console
    // With `g` or `y`, a pattern would go on where it stopped in another line.
    this.#pattern = new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, ''))
    this.at = from
  }

  /** Index of the next line that matches, or undefined. */
  next(): number | undefined {
    this.at = Math.max(this.at, this.#console.first)
    for (; this.at < this.#console.printed; this.at++) {
      if (this.#pattern.test(this.#console.line(this.at)?.text ?? '')) return this.at++
    }
    return undefined
  }

  /** Whether the line that has begun, and has not ended for a while, matches. */
  matchesUnended(): boolean {
    const { unended } = this.#console
    return unended !== undefined && this.#pattern.test(unended.text)
  }
}

/**
 * Resolves when the board's trace has an entry with these fields.
 *
 * @throws DeadlineExpired when it does not come within `timeout`, ms, stretched by the board's speed.
 */
export async function findEntry(board: Board, fields: Partial<TraceEntry>, timeout: number): Promise<void> {
  const { trace, patience, failed } = board
  const ms = patience.scale(timeout)
  const wanted = Object.entries(fields) as [keyof TraceEntry, unknown][]
  const fits = (entry: TraceEntry) => wanted.every(([key, value]) => entry[key] === value)
  const explain = () => {
    const last = trace.entries.slice(-SHOWN).map((entry) => JSON.stringify(entry))
    const shown = last.length ? `its latest entries:\n${indent(last)}` : 'it has no entry.'
    return `the trace got no entry within ${ms} ms like ${JSON.stringify(fields)}; ${shown}`
  }
  let stop = () => {}
  const found = () =>
    new Promise<void>((resolve) => {
      stop = trace.onEntry((entry) => fits(entry) && resolve())
      if (trace.entries.some(fits)) resolve()
    })
  await within(ms, found, { interruption: failed, explain }).finally(() => stop())
}
