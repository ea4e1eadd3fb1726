// SPDX-License-Identifier: Apache-2.0
/**
 * The UART that Xen shares with the domUs, byte for byte (`xen/drivers/char/console.c` and `vpl011_write_data_xen` in
 * `xen/arch/arm/vpl011.c`). Xen puts `(XEN) ` before whatever follows a line end, its own or a domU's, and, because it counts
 * the line ends of each processor apart, now and then into a line. What a domU without the input focus prints comes as
 * `(XEN) DOM1: …`, a line at a time; what the one with the focus prints comes as it is, character by character.
 */
import { XEN } from '../../console/index.ts'

/** A domid, or Xen itself. */
export type Source = number | typeof XEN

const PREFIX = '(XEN) '
const OF_DOMAIN = /^DOM(\d+): /
const FOCUS_LINE = '*** Serial input to '
const FOCUS = /^\*\*\* Serial input to (?:DOM(\d+)|Xen) /

/** A line of a domU without focus is cut into pieces of this many characters: `SBSA_UART_OUT_BUF_SIZE` less newline and NUL. */
const PIECE = 126

/** What may be the begin of a marker is shown all the same when nothing follows for this long, ms: it was typed. */
const HOLD = 40

export class XenUart {
  /** The domU whose bytes come as they are. */
  focus: Source = XEN
  readonly #emit: (source: Source, bytes: Buffer) => void
  readonly #onFocus: (focus: Source) => void
  #rest = ''
  /** Whose line this is, up to its end. */
  #line: Source | undefined
  #hold: NodeJS.Timeout | undefined

  constructor(emit: (source: Source, bytes: Buffer) => void, onFocus: (focus: Source) => void) {
    this.#emit = emit
    this.#onFocus = onFocus
  }

  push(bytes: Buffer): void {
    clearTimeout(this.#hold)
    this.#rest += bytes.toString('latin1')
    while (this.#rest && this.#step());
    if (this.focus !== XEN && this.#line === undefined && this.#rest.length > 0 && this.#rest !== PREFIX)
      this.#hold = setTimeout(() => this.#show(this.focus, this.#rest.length), HOLD)
  }

  /** Takes one thing off the rest; false: more must come first. */
  #step(): boolean {
    if (this.#line !== undefined) return this.#endLine(this.#line)
    const at = this.#rest.indexOf(PREFIX)
    if (at > 0) return this.#show(this.focus, at)
    if (at < 0) return this.#show(this.focus, this.#rest.length - begunPrefix(this.#rest))
    const text = this.#rest.slice(PREFIX.length)
    const domain = OF_DOMAIN.exec(text)
    if (domain) return this.#begin(Number(domain[1]), domain[0].length)
    if (text.startsWith(FOCUS_LINE)) return this.#begin(XEN, 0)
    if (isBegun(text)) return false
    this.#rest = text
    return true
  }

  #begin(source: Source, skipped: number): boolean {
    this.#line = source
    this.#rest = this.#rest.slice(PREFIX.length + skipped)
    return true
  }

  #endLine(source: Source): boolean {
    const end = this.#rest.indexOf('\n')
    if (end < 0) return false
    const line = this.#rest.slice(0, end)
    const piece = source !== XEN && line.replace(/\r+$/, '').length >= PIECE
    this.#emit(source, Buffer.from(piece ? line.replace(/\r+$/, '') : `${line}\n`, 'latin1'))
    this.#rest = this.#rest.slice(end + 1)
    this.#line = undefined
    // Not before the end of the line: Xen takes no notice of Ctrl-A while it prints it.
    const focus = source === XEN && FOCUS.exec(line)
    if (focus) {
      this.focus = focus[1] === undefined ? XEN : Number(focus[1])
      this.#onFocus(this.focus)
    }
    return true
  }

  #show(source: Source, length: number): boolean {
    if (length === 0) return false
    const shown = this.#rest.slice(0, length)
    this.#emit(source, Buffer.from(shown.startsWith(PREFIX) ? shown.slice(PREFIX.length) : shown, 'latin1'))
    this.#rest = this.#rest.slice(length)
    return true
  }
}

/** How many characters at the end of `text` may be the begin of a prefix. */
function begunPrefix(text: string): number {
  for (let length = PREFIX.length - 1; length > 0; length--)
    if (text.endsWith(PREFIX.slice(0, length))) return length
  return 0
}

/** Whether `text`, which follows a prefix, may yet become a marker. */
const isBegun = (text: string): boolean =>
  'DOM'.startsWith(text) || /^DOM\d+:?$/.test(text) || FOCUS_LINE.startsWith(text)
