// SPDX-License-Identifier: Apache-2.0

/** The reports of failures on one console that have begun and are not whole yet. Several callers of printk can have one open each. */
export class OpenReports {
  #open = 0
  #waiting: (() => void)[] = []

  begun(): void {
    this.#open++
  }

  whole(): void {
    this.#open--
    if (this.#open > 0) return
    for (const resolve of this.#waiting) resolve()
    this.#waiting = []
  }

  /** Resolves when none is open. Reports end in whatever order, so it is not enough that as many are whole as were open. */
  async none(): Promise<void> {
    if (this.#open > 0) await new Promise<void>((resolve) => this.#waiting.push(resolve))
  }
}
