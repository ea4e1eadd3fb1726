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
}

/**
 * The ordered lines that one domain (or Xen) printed. They are all kept; what a matcher looks at begins at the cursor, which
 * only the scenario moves, so that a line that came before the wait for it counts, and one matcher takes nothing from another.
 */
export class Console {
  readonly domain: string
  readonly #lines: ConsoleLine[] = []
  readonly #listeners = new Set<(line: ConsoleLine) => void>()
  #cursor = 0
  #context: ConsoleContext | undefined

  constructor(domain: string) {
    this.domain = domain
  }

  /** Ties the console to the board that it belongs to. */
  attach(context: ConsoleContext): void {
    this.#context = context
  }

  get context(): ConsoleContext {
    if (!this.#context) throw new Error(`the console of ${this.domain} belongs to no running board`)
    return this.#context
  }

  get lines(): readonly ConsoleLine[] {
    return this.#lines
  }

  /** Index of the first line that matchers look at. */
  get cursor(): number {
    return this.#cursor
  }

  /** From here on, matchers look only at what comes. */
  mark(): void {
    this.#cursor = this.#lines.length
  }

  /** Moves the cursor to line `index`. */
  seek(index: number): void {
    this.#cursor = Math.max(0, Math.min(index, this.#lines.length))
  }

  /** The texts from line `from` on (default: from the cursor). */
  texts(from = this.#cursor): string[] {
    return this.#lines.slice(from).map((line) => line.text)
  }

  /** The last `count` texts, whatever the cursor. */
  tail(count: number): string[] {
    return this.#lines.slice(-count).map((line) => line.text)
  }

  push(line: ConsoleLine): void {
    this.#lines.push(line)
    for (const listener of [...this.#listeners]) listener(line)
  }

  /** Calls `listener` for every line to come; the function returned ends that. */
  onLine(listener: (line: ConsoleLine) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}
