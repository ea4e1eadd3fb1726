// SPDX-License-Identifier: Apache-2.0
import { isAscii } from 'node:buffer'

/** A line longer than this is handed on in parts: memory stays bounded whatever a guest prints. Bytes. */
export const LONGEST_LINE = 64 * 1024

const CR = 0x0d
const ESCAPE = 0x1b

/** What stands between two line ends of a wire, one character a byte (latin1): offsets into it are offsets into the wire. */
export interface WireLine {
  /** Without LF, and without the CRs before it. */
  text: string
  /** How many CRs stood before the LF. */
  crs: number
  /** Offset of its first byte into the wire's bytes. */
  from: number
  /** Offset of the byte after its end. */
  to: number
  /** `part`: too long, more of it follows; `none`: the wire ended. */
  end: 'lf' | 'part' | 'none'
  /** It may hold NULs, escapes or bytes that are no ASCII. */
  dirty: boolean
}

/** Cuts the bytes of a wire into lines, the same ones however the bytes come in. */
export class LineSplitter {
  #rest = ''
  #dirty = false
  /** Offset of the rest's first byte. */
  #from = 0

  push(bytes: Uint8Array): WireLine[] {
    const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    const text = chunk.toString('latin1')
    const dirty = !isAscii(chunk) || chunk.includes(ESCAPE) || chunk.includes(0)
    const lines: WireLine[] = []
    let start = 0
    for (let end = text.indexOf('\n'); end !== -1; end = text.indexOf('\n', start)) {
      const line = text.slice(start, end)
      start = end + 1
      if (this.#rest) this.#endRest(line, dirty, lines)
      else this.#end(line, dirty, lines)
    }
    if (start < text.length) {
      this.#rest += text.slice(start)
      this.#dirty ||= dirty
      this.#rest = this.#parts(this.#rest, this.#dirty, lines)
    }
    return lines
  }

  /** What stands after the last line end, once the wire has ended. */
  end(): WireLine[] {
    if (!this.#rest) return []
    const [from, to] = [this.#from, this.#from + this.#rest.length]
    const text = withoutCrs(this.#rest)
    const line: WireLine = {
      text,
      crs: this.#rest.length - text.length,
      from,
      to,
      end: 'none',
      dirty: this.#dirty,
    }
    this.#rest = ''
    this.#from = to
    return [line]
  }

  /** What has come of a line whose end has not. */
  get unended(): WireLine | undefined {
    if (!this.#rest) return undefined
    const to = this.#from + this.#rest.length
    return { text: withoutCrs(this.#rest), crs: 0, from: this.#from, to, end: 'none', dirty: this.#dirty }
  }

  #endRest(line: string, dirty: boolean, lines: WireLine[]): void {
    const whole = this.#rest + line
    const isDirty = this.#dirty || dirty
    this.#rest = ''
    this.#dirty = false
    this.#end(whole, isDirty, lines)
  }

  #end(whole: string, dirty: boolean, lines: WireLine[]): void {
    const last = whole.length > LONGEST_LINE ? this.#parts(whole, dirty, lines) : whole
    const text = withoutCrs(last)
    const from = this.#from
    this.#from += last.length + 1
    lines.push({ text, crs: last.length - text.length, from, to: this.#from, end: 'lf', dirty })
  }

  /** Hands on parts of `text` until what is left is not too long. */
  #parts(text: string, dirty: boolean, lines: WireLine[]): string {
    let start = 0
    while (text.length - start > LONGEST_LINE) {
      const end = characterStart(text, start + LONGEST_LINE)
      const from = this.#from
      this.#from += end - start
      lines.push({ text: text.slice(start, end), crs: 0, from, to: this.#from, end: 'part', dirty })
      start = end
    }
    return start === 0 ? text : text.slice(start)
  }
}

function withoutCrs(text: string): string {
  let end = text.length
  while (end > 0 && text.charCodeAt(end - 1) === CR) end--
  return end === text.length ? text : text.slice(0, end)
}

/** Where the UTF-8 character that the byte at `index` belongs to begins, so that none is cut. */
function characterStart(text: string, index: number): number {
  for (let start = index; start > index - 4; start--) {
    if ((text.charCodeAt(start) & 0xc0) !== 0x80) return start
  }
  return index
}
