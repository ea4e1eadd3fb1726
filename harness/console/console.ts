// SPDX-License-Identifier: Apache-2.0
import type { ConsoleLine } from './line.ts'

/** What a wait on a console needs to know of the board behind it. */
export interface ConsoleContext {
  /** Aborts, with the reason, when the board failed. */
  interruption: AbortSignal
  /** ms, stretched by the board's speed. */
  scale: (ms: number) => number
  /** Makes the domain print `text` by the path that everything else on its console takes. */
  print: (text: string) => Promise<void>
  /** Whether the domain still answers. */
  isAlive: () => Promise<boolean>
  /** What it means that it does not: an error with `message`. */
  hang: (message: string) => Promise<Error>
}

/** How many lines are kept in memory; the run's folder has them all. A boot is a few hundred. */
const KEPT = 100_000
/** The same in characters, for guests that print few line ends: 64 Mi. */
const KEPT_TEXT = 64 << 20

/**
 * The ordered lines that one domain (or Xen) printed. A line's index is its number since the board's start and never changes; the last
 * 100 000 are kept (`first` is the oldest of them), or fewer long ones, so that memory does not grow with what a guest prints. What a matcher looks at begins
 * at the cursor, which only the scenario moves, so that a line that came before the wait for it counts, and one matcher takes nothing
 * from another.
 */
export class Console {
  readonly domain: string
  readonly #kept: number
  #lines: ConsoleLine[] = []
  #first = 0
  /** Characters in them. */
  #size = 0
  readonly #listeners = new Set<(line: ConsoleLine) => void>()
  readonly #unendedListeners = new Set<() => void>()
  #unended: ConsoleLine | undefined
  #cursor = 0
  #context: ConsoleContext | undefined

  /** `kept`: how many lines at least are kept in memory. */
  constructor(domain: string, kept = KEPT) {
    this.domain = domain
    this.#kept = kept
  }

  /** Ties the console to the board that it belongs to. */
  attach(context: ConsoleContext): void {
    this.#context = context
  }

  get context(): ConsoleContext {
    if (!this.#context) throw new Error(`the console of ${this.domain} belongs to no running board`)
    return this.#context
  }

  /** The lines that are kept: `lines[0]` is line number `first`. */
  get lines(): readonly ConsoleLine[] {
    return this.#lines
  }

  /** Index of the oldest line that is kept. */
  get first(): number {
    return this.#first
  }

  /** How many lines were printed, kept or not: the index of the next one. */
  get printed(): number {
    return this.#first + this.#lines.length
  }

  /** The line of that index; undefined if it is not printed yet, or not kept any more. */
  line(index: number): ConsoleLine | undefined {
    return this.#lines[index - this.#first]
  }

  /** What has come of a line whose end has not come for a while: a prompt, say. */
  get unended(): ConsoleLine | undefined {
    return this.#unended
  }

  /** Index of the first line that matchers look at. */
  get cursor(): number {
    return this.#cursor
  }

  /** From here on, matchers look only at what comes. */
  mark(): void {
    this.#cursor = this.printed
  }

  /** Moves the cursor to line `index`. */
  seek(index: number): void {
    this.#cursor = Math.max(0, Math.min(index, this.printed))
  }

  /** The texts from line `from` on (default: from the cursor), as far as they are kept. */
  texts(from = this.#cursor): string[] {
    return this.#lines.slice(Math.max(0, from - this.#first)).map((line) => line.text)
  }

  /** The last `count` texts, whatever the cursor. */
  tail(count: number): string[] {
    return this.#lines.slice(-count).map((line) => line.text)
  }

  push(line: ConsoleLine): void {
    this.#unended = undefined
    this.#lines.push(line)
    this.#size += line.text.length
    // Dropped by many at a time: moving the rest costs as much as printing it did.
    if (this.#lines.length >= 2 * this.#kept || this.#size >= 2 * KEPT_TEXT) this.#dropOldest()
    for (const listener of [...this.#listeners]) listener(line)
  }

  #dropOldest(): void {
    const least = Math.max(0, this.#lines.length - this.#kept)
    let from = this.#lines.length
    let size = 0
    while (from > least && size <= KEPT_TEXT) size += this.#lines[--from]?.text.length ?? 0
    this.#first += from
    this.#lines = this.#lines.slice(from)
    this.#size = size
  }

  /** A line has begun, and its end has not come for a while. It is pushed when it does. */
  begin(unended: ConsoleLine): void {
    this.#unended = unended
    for (const listener of [...this.#unendedListeners]) listener()
  }

  /** Calls `listener` for every line to come; the function returned ends that. */
  onLine(listener: (line: ConsoleLine) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** Calls `listener` for every line to come, and when one is begun and does not end; the function returned ends that. */
  onChange(listener: () => void): () => void {
    const stop = this.onLine(listener)
    this.#unendedListeners.add(listener)
    return () => {
      stop()
      this.#unendedListeners.delete(listener)
    }
  }
}
