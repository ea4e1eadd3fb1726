// SPDX-License-Identifier: Apache-2.0
import type { ConsoleLine } from './line.ts'

/**
 * The ordered lines that one domain (or Xen) printed. They are all kept; what a matcher looks at begins at the cursor, which
 * only the scenario moves, so that a line that came before the wait for it counts, and one matcher takes nothing from another.
 */
export class Console {
  readonly domain: string
  readonly #lines: ConsoleLine[] = []
  readonly #listeners = new Set<(line: ConsoleLine) => void>()
  #cursor = 0

  constructor(domain: string) {
    this.domain = domain
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
