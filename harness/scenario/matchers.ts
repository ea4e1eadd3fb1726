// SPDX-License-Identifier: Apache-2.0
/** What can be claimed of a console, `await expect(domU.console).toPrint(/…/)`, and of a board. */
import { Console, DeadlineExpired, indent } from '../console/index.ts'
import type { TraceEntry } from '../pci/index.ts'
import { Board } from '../platform/index.ts'
import { findEntry, findLine, waitOn } from './waiting.ts'

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
    await waitOn(console, {
      probe: () => findLine(console, pattern, console.cursor),
      timeout,
      awaited: () => String(pattern),
    })
    return passed(String(pattern))
  },

  async toPrintInOrder(
    received: unknown,
    patterns: RegExp[],
    { timeout = TIMEOUT }: WaitOptions = {},
  ): Promise<Verdict> {
    const console = consoleOf(received)
    let next = console.cursor
    let found = 0
    await waitOn(console, {
      probe: () => {
        while (found < patterns.length) {
          const index = findLine(console, patterns[found] as RegExp, next)
          if (index === undefined) return undefined
          next = index + 1
          found++
        }
        return true
      },
      timeout,
      awaited: () => `number ${found + 1} of ${patterns.length}, after ${found} in order: ${patterns[found]}`,
    })
    return passed(patterns.join(', '))
  },

  async toStayQuietAbout(
    received: unknown,
    pattern: RegExp,
    { timeout = TIMEOUT }: WaitOptions = {},
  ): Promise<Verdict> {
    const console = consoleOf(received)
    const marker = `guestrig: marker ${++markers} of ${process.pid}`
    await console.context.print(marker)
    const end = await waitOn(console, {
      probe: () => findLine(console, new RegExp(`${marker}$`), console.cursor),
      timeout,
      awaited: () => `the marker '${marker}', which proves that the console is quiet`,
    })
    const printed = console
      .texts()
      .slice(0, end - console.cursor)
      .filter((text) => pattern.test(text))
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
