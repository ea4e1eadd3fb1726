// SPDX-License-Identifier: Apache-2.0
import { type Console, DeadlineExpired, GuestHang, indent } from '../console/index.ts'
import type { TraceEntry } from '../pci/index.ts'
import { type Board, within } from '../platform/index.ts'

/** How many lines of the console a message shows. */
const SHOWN = 12

export interface Wait<T> {
  /** Looks at the console's lines from the cursor on; undefined: not yet. */
  probe: () => T | undefined
  /** ms, stretched by the board's speed. */
  timeout: number
  /** What is awaited, as far as it has not come. */
  awaited: () => string
}

/**
 * Resolves as soon as `probe` finds something, at once if it is there already.
 *
 * @throws DeadlineExpired when it does not come in time, GuestHang when the guest does not answer either.
 */
export async function waitOn<T>(console: Console, { probe, timeout, awaited }: Wait<T>): Promise<T> {
  const { interruption, scale, isAlive } = console.context
  const ms = scale(timeout)
  const explain = () => {
    const lines = console.texts().slice(-SHOWN)
    const shown = lines.length
      ? `since the cursor it printed last:\n${indent(lines)}`
      : 'since the cursor it printed nothing.'
    return `${console.domain} did not print within ${ms} ms: ${awaited()}\n${shown}`
  }
  let stop = () => {}
  const found = () =>
    new Promise<T>((resolve) => {
      const look = () => {
        const result = probe()
        if (result !== undefined) resolve(result)
      }
      stop = console.onLine(look)
      look()
    })
  try {
    return await within(ms, found, { interruption, explain })
  } catch (error) {
    if (error instanceof DeadlineExpired && !(await isAlive())) {
      throw new GuestHang(console.domain, `${console.domain} does not answer any more; ${error.message}`)
    }
    throw error
  } finally {
    stop()
  }
}

/** Index of the first line from `from` on that matches, or undefined. */
export function findLine(console: Console, pattern: RegExp, from: number): number | undefined {
  for (let index = from; index < console.lines.length; index++) {
    if (pattern.test(console.lines[index]?.text ?? '')) return index
  }
  return undefined
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
