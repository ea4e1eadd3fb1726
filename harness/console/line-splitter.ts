// SPDX-License-Identifier: Apache-2.0

/** A line longer than this is handed on in pieces: memory stays bounded whatever a guest prints. Characters. */
const LONGEST_LINE = 64 * 1024

/** Cuts the bytes of a wire into lines: LF ends one, CRs before it and NULs are dropped, bad UTF-8 becomes U+FFFD. */
export class LineSplitter {
  readonly #decoder = new TextDecoder('utf-8')
  #rest = ''

  push(bytes: Uint8Array): string[] {
    const pieces = (this.#rest + this.#decoder.decode(bytes, { stream: true })).split('\n')
    this.#rest = pieces.pop() ?? ''
    const lines = pieces.map(clean)
    while (this.#rest.length > LONGEST_LINE) {
      lines.push(clean(this.#rest.slice(0, LONGEST_LINE)))
      this.#rest = this.#rest.slice(LONGEST_LINE)
    }
    return lines
  }

  /** What stands after the last line end, once the wire has ended. */
  end(): string[] {
    const rest = clean(this.#rest + this.#decoder.decode())
    this.#rest = ''
    return rest ? [rest] : []
  }
}

const clean = (line: string): string => line.replaceAll('\0', '').replace(/\r+$/, '')
