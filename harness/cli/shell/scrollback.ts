// SPDX-License-Identifier: Apache-2.0

/** Bytes kept of each console: many screens, even of long lines. */
const KEPT = 64 * 1024

/** What a terminal would answer: cursor position, status, attributes, title. Shown a second time, it would answer a second time. */
const QUERIES = /\x1b\[[?>=]?[0-9;]*[cn]|\x1b\](?:[^\x07\x1b])*\?(?:\x07|\x1b\\)|\x05/g

/** The end of what a console printed. */
export class Scrollback {
  #bytes = Buffer.alloc(0)

  push(bytes: Uint8Array): void {
    this.#bytes = Buffer.concat([this.#bytes, bytes])
    if (this.#bytes.length > 2 * KEPT) this.#bytes = this.#bytes.subarray(-KEPT)
  }

  /** The last `count` lines, for a terminal that shows them again. */
  tail(count: number): Buffer {
    const lines = this.#bytes.subarray(-KEPT).toString('latin1').split('\n')
    return Buffer.from(lines.slice(-count).join('\n').replace(QUERIES, ''), 'latin1')
  }
}
