// SPDX-License-Identifier: Apache-2.0
import { closeSync, openSync, writeSync } from 'node:fs'
import type { TraceEntry } from '../pci/index.ts'

/** Entries that are written together: to write each by itself costs more than the access that it tells of. */
const BATCH = 500
/** ms that an entry waits at most. */
const WAIT = 100

/** A trace on disk, one entry a line, as JSON. */
export class TraceFile {
  readonly #fd: number
  #waiting: TraceEntry[] = []
  #timer: NodeJS.Timeout | undefined

  constructor(path: string) {
    this.#fd = openSync(path, 'w')
  }

  write(entry: TraceEntry): void {
    this.#waiting.push(entry)
    if (this.#waiting.length >= BATCH) this.#flush()
    else this.#timer ??= setTimeout(() => this.#flush(), WAIT)
  }

  /** What was written is in the file. */
  close(): void {
    this.#flush()
    closeSync(this.#fd)
  }

  #flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#waiting.length > 0) {
      writeSync(this.#fd, `${this.#waiting.map((entry) => JSON.stringify(entry)).join('\n')}\n`)
    }
    this.#waiting = []
  }
}
