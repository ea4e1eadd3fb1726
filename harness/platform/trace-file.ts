// SPDX-License-Identifier: Apache-2.0
import { closeSync, openSync, writeSync } from 'node:fs'
import type { TraceEntry } from '../pci/index.ts'

/** Entries that are written together: to write each by itself costs more than the access that it tells of. */
const BATCH = 500
/** ms that an entry waits at most. */
const WAIT = 100

/** A trace on disk, one entry a line, as JSON. The file is there from the first entry on. */
export class TraceFile {
  readonly #path: string
  #fd: number | undefined
  #waiting: TraceEntry[] = []
  #timer: NodeJS.Timeout | undefined
  #closed = false

  constructor(path: string) {
    this.#path = path
  }

  write(entry: TraceEntry): void {
    if (this.#closed) return
    this.#waiting.push(entry)
    if (this.#waiting.length >= BATCH) this.#flush()
    else this.#timer ??= setTimeout(() => this.#flush(), WAIT)
  }

  /** What was written is in the file; what a model does after the board's end is not. */
  close(): void {
    this.#flush()
    if (this.#fd !== undefined) closeSync(this.#fd)
    this.#fd = undefined
    this.#closed = true
  }

  #flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#waiting.length === 0) return
    this.#fd ??= openSync(this.#path, 'w')
    writeSync(this.#fd, `${this.#waiting.map((entry) => JSON.stringify(entry)).join('\n')}\n`)
    this.#waiting = []
  }
}
