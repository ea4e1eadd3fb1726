// SPDX-License-Identifier: Apache-2.0
/** What Xen puts before a line, from `xen/drivers/char/console.c` and `xen/arch/arm/vpl011.c`. */

export interface Mark {
  /**
   * `xen`: Xen's own line, or one of the domU that has the input focus (`printk`); `vpl011`: a piece of what a domU wrote to the UART
   * that Xen emulates (`vpl011_write_data_xen`); `guest`: a line that a domain wrote by `console_io`, or Xen about it (`guest_printk`).
   */
  kind: 'xen' | 'vpl011' | 'guest'
  /** Of `vpl011` and `guest`. */
  domid: number
  /** Xen's time stamp, less its brackets. */
  stamp: string | undefined
  /** Where the text begins. */
  end: number
}

/**
 * The five settings of `console_timestamps` in `printk_start_of_line`: `none`; `date` and `datems` (`[%04u-%02u-%02u %02u:%02u:%02u.%03u] `,
 * before there is a wall clock the next one); `boot` (`[%5u.%06u] `, before there is time the next one); `raw` (`[%016x] `).
 */
const XEN_STAMP = /\[(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:\.\d{3})?| *\d+\.\d{6}|[0-9a-f]{16})\] /y
const VPL011 = 'DOM'
/** Of the largest domid, `DOMID_FIRST_RESERVED` (32752) of `xen/include/public/xen.h`. */
const DOMID_DIGITS = 5
const GUEST = /\(d(\d{1,5})(?:v\d{1,5})?\) ?/y

const PREFIX = '(XEN)'
const [PARENTHESIS, LETTER_D, BRACKET, SPACE, COLON, ZERO] = [0x28, 0x44, 0x5b, 0x20, 0x3a, 0x30]

function matchAt(pattern: RegExp, text: string, at: number): RegExpExecArray | null {
  pattern.lastIndex = at
  return pattern.exec(text)
}

/**
 * The mark that begins at `at`. `stamped`: whether Xen is known to print time stamps or not, so that the stamp of a domU with the input
 * focus, which looks alike, is not taken for Xen's.
 */
export function markAt(text: string, at: number, stamped: boolean | undefined): Mark | undefined {
  if (text.charCodeAt(at) !== PARENTHESIS) return undefined
  if (!text.startsWith(PREFIX, at)) return guestMarkAt(text, at)
  // A log whose trailing blanks somebody cut off has empty lines without the blank.
  let end = at + PREFIX.length
  if (text.charCodeAt(end) === SPACE) end++
  else if (end !== text.length) return undefined
  let stamp: string | undefined
  if (stamped !== false && text.charCodeAt(end) === BRACKET) {
    stamp = matchAt(XEN_STAMP, text, end)?.[1]
    if (stamp !== undefined) end += stamp.length + 3
  }
  if (text.charCodeAt(end) === LETTER_D) {
    const domU = vpl011At(text, end, stamp)
    if (domU) return domU
  }
  return { kind: 'xen', domid: -1, stamp, end }
}

/** `DOMn: `, read by hand: most lines have it. */
function vpl011At(text: string, at: number, stamp: string | undefined): Mark | undefined {
  if (!text.startsWith(VPL011, at)) return undefined
  const digits = at + VPL011.length
  let [end, domid] = [digits, 0]
  for (
    let digit = digitAt(text, end);
    digit !== -1 && end - digits < DOMID_DIGITS;
    digit = digitAt(text, end)
  ) {
    domid = domid * 10 + digit
    end++
  }
  if (end === digits || text.charCodeAt(end) !== COLON) return undefined
  end++
  return { kind: 'vpl011', domid, stamp, end: text.charCodeAt(end) === SPACE ? end + 1 : end }
}

function digitAt(text: string, at: number): number {
  const digit = text.charCodeAt(at) - ZERO
  return digit >= 0 && digit <= 9 ? digit : -1
}

function guestMarkAt(text: string, at: number): Mark | undefined {
  const guest = matchAt(GUEST, text, at)
  return guest
    ? { kind: 'guest', domid: Number(guest[1]), stamp: undefined, end: at + guest[0].length }
    : undefined
}

const INNER = /\((?:XEN|d\d{1,5}(?:v\d{1,5})?)\) /g

/** Where the next mark begins, from `from` on, or -1. */
export function nextMark(text: string, from: number): number {
  if (text.indexOf('(', from) === -1) return -1
  INNER.lastIndex = from
  return INNER.exec(text)?.index ?? -1
}

const FOREIGN = /DOM\d{1,5}: /

/** Whether a piece that Xen prints at once holds what looks like the beginning of another. */
export const holdsMark = (text: string): boolean =>
  text.includes('(XEN) ') || (text.includes('DOM') && FOREIGN.test(text))

/** `console_switch_input`, and before Xen 4.12 `switch_serial_input`: where the input focus is from now on. */
const FOCUS = /^\*\*\* Serial input (?:to|->) (?:DOM(\d{1,5})|Xen)\b/

/** The domid of who gets the input focus, `xen`, or undefined if the text says nothing of it. */
export function focusIn(text: string): number | 'xen' | undefined {
  if (!text.startsWith('*** ')) return undefined
  const match = FOCUS.exec(text)
  if (!match) return undefined
  return match[1] === undefined ? 'xen' : Number(match[1])
}
