// SPDX-License-Identifier: Apache-2.0
/** What can be claimed of a console, `await expect(domU.console).toPrint(/…/)`, and of a board. */
import { Console, DeadlineExpired, indent } from '../console/index.ts'
import type { TraceEntry } from '../pci/index.ts'
import { Board } from '../platform/index.ts'
import { findEntry, LineSearch, waitOn } from './waiting.ts'

export interface WaitOptions {
  /** ms, stretched by the board's speed; default 5000. */
  timeout?: number
}

export interface ConsoleMatchers<R = unknown> {
  /** A line that matches has been printed since the cursor, or comes before the deadline. */
  toPrint(pattern: RegExp, options?: WaitOptions): Promise<R>
  /** Lines that match come in this order, others between them do not matter. */
  toPrintInOrder(patterns: RegExp[], options?: WaitOptions): Promise<R>
  /**
   * No line since the cursor matches. Proved, not slept for: a marker is printed by the same path, and when it has come out, what was
   * not printed before it will not be.
   */
  toStayQuietAbout(pattern: RegExp, options?: WaitOptions): Promise<R>
}

export interface BoardMatchers<R = unknown> {
  /** The trace of the device models has an entry with these fields, or gets one before the deadline. */
  toTrace(fields: Partial<TraceEntry>, options?: WaitOptions): Promise<R>
}

interface Verdict {
  pass: boolean
  message: () => string
}

const TIMEOUT = 5000

let markers = 0

function consoleOf(received: unknown): Console {
  if (received instanceof Console) return received
  throw new TypeError('expected a console: expect(board.domain().console)')
}

function boardOf(received: unknown): Board {
  if (received instanceof Board) return received
  throw new TypeError('expected a board: expect(board)')
}

const passed = (what: string): Verdict => ({
  pass: true,
  message: () => `not expected, but it came: ${what}`,
})

export const matchers = {
  async toPrint(
    received: unknown,
    pattern: RegExp,
    { timeout = TIMEOUT }: WaitOptions = {},
  ): Promise<Verdict> {
    const console = consoleOf(received)
    const from = console.cursor
    const search = new LineSearch(console, pattern, from)
    await waitOn(console, {
      probe: () => search.next() ?? (search.matchesUnended() || undefined),
      timeout,
      awaited: () => String(pattern),
      missing: () => ({ pattern, from }),
    })
    return passed(String(pattern))
  },

  async toPrintInOrder(
    received: unknown,
    patterns: RegExp[],
    { timeout = TIMEOUT }: WaitOptions = {},
  ): Promise<Verdict> {
    const console = consoleOf(received)
    let from = console.cursor
    let found = 0
    let search: LineSearch | undefined
    await waitOn(console, {
      probe: () => {
        for (let pattern = patterns[found]; pattern; pattern = patterns[++found]) {
          search ??= new LineSearch(console, pattern, from)
          const index = search.next()
          if (index === undefined) return undefined
          search = undefined
          from = index + 1
        }
        return true
      },
      timeout,
      awaited: () => `number ${found + 1} of ${patterns.length}, after ${found} in order: ${patterns[found]}`,
      missing: () => ({ pattern: patterns[found] ?? /(?:)/, from }),
    })
    return passed(patterns.join(', '))
  },

  async toStayQuietAbout(
    received: unknown,
    pattern: RegExp,
    { timeout = TIMEOUT }: WaitOptions = {},
  ): Promise<Verdict> {
    const console = consoleOf(received)
    const from = console.cursor
    const text = `guestrig: marker ${++markers} of ${process.pid}`
    const marker = new RegExp(`${text}$`)
    await console.context.print(text)
    const search = new LineSearch(console, marker, from)
    const end = await waitOn(console, {
      probe: () => search.next(),
      timeout,
      awaited: () => `the marker '${text}', which proves that the console is quiet`,
      missing: () => ({ pattern: marker, from }),
    })
    if (from < console.first) {
      throw new DeadlineExpired(
        `whether ${console.domain} stayed quiet about ${pattern} cannot be said: ${console.first - from} lines since the cursor are no longer in memory. Move the cursor with console.mark().`,
      )
    }
    const printed: string[] = []
    const loud = new LineSearch(console, pattern, from)
    for (let index = loud.next(); index !== undefined && index < end; index = loud.next()) {
      printed.push(console.line(index)?.text ?? '')
    }
    if (printed.length === 0) return passed(`nothing about ${pattern}`)
    throw new DeadlineExpired(`${console.domain} did not stay quiet about ${pattern}:\n${indent(printed)}`)
  },

  async toTrace(
    received: unknown,
    fields: Partial<TraceEntry>,
    { timeout = TIMEOUT }: WaitOptions = {},
  ): Promise<Verdict> {
    await findEntry(boardOf(received), fields, timeout)
    return passed(JSON.stringify(fields))
  },
}
