// SPDX-License-Identifier: Apache-2.0
import { closeSync, openSync, writeSync } from 'node:fs'
import { notWhole } from '../board/index.ts'

/** Lines that are written together: to write each by itself costs more than what it tells of. */
const BATCH = 500
/** ms that a line waits at most. */
const WAIT = 100

/** A file that grows by lines: a console's, a trace's. */
export class LinesFile<Entry> {
  readonly #path: string
  readonly #format: (entry: Entry) => string
  #fd: number | undefined
  #waiting: Entry[] = []
  #timer: NodeJS.Timeout | undefined
  #closed = false
  #problem: Error | undefined

  /** `format` makes a line, less its end, of what `write` is given. The file is there from the first line on. */
  constructor(path: string, format: (entry: Entry) => string) {
    this.#path = path
    this.#format = format
  }

  write(entry: Entry): void {
    if (this.#closed) return
    this.#waiting.push(entry)
    if (this.#waiting.length >= BATCH) this.#flush()
    else this.#timer ??= setTimeout(() => this.#flush(), WAIT)
  }

  /**
   * Every line is in the file; what comes after is not.
   *
   * @throws HostProblem when one of them could not be written.
   */
  close(): void {
    this.#flush()
    if (this.#fd !== undefined) closeSync(this.#fd)
    this.#fd = undefined
    this.#closed = true
    if (this.#problem) throw notWhole(this.#path, this.#problem)
  }

  #flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#waiting.length === 0) return
    const lines = this.#waiting.map((entry) => `${this.#format(entry)}\n`)
    this.#waiting = []
    try {
      this.#fd ??= openSync(this.#path, 'w')
      writeSync(this.#fd, lines.join(''))
    } catch (error) {
      this.#problem ??= error as Error
    }
  }
}

/** Closes them all. If some are not whole, it throws what the first of those threw. */
export function closeAll(files: readonly { close: () => void }[]): void {
  const problems = files.flatMap((file) => {
    try {
      file.close()
      return []
    } catch (error) {
      return [error]
    }
  })
  if (problems.length > 0) throw problems[0]
}
