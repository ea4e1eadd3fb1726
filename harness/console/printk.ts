// SPDX-License-Identifier: Apache-2.0
/**
 * What printk puts before a text, `info_print_prefix` of the kernel's `kernel/printk/printk.c`: `<%u>` (facility << 3 | level, with
 * `console_msg_format=syslog`), `[%5lu.%06lu]` (PRINTK_TIME), `[%6s]` (PRINTK_CALLER). Xen's time stamp is like printk's with
 * `console_timestamps=boot`. Read by hand: every line goes through here.
 */

export interface PrintkPrefix {
  /** s since the kernel started. */
  time: number | undefined
  /** 0 to 7. */
  level: number | undefined
  /** `T12`: a task; `C0`: a processor in an interrupt. */
  caller: string | undefined
}

const NOTHING: PrintkPrefix = { time: undefined, level: undefined, caller: undefined }
const LEVEL = /^<(\d{1,4})>/
const CALLER = /\[ *([TC]\d+)\]/y
const [SPACE, DOT, ZERO, LESS_THAN, OPEN, CLOSE] = [0x20, 0x2e, 0x30, 0x3c, 0x5b, 0x5d]
/** Digits of the part of a second. */
const MICROS = 6

/** Where a time stamp's bracket may stand: behind the level. */
function levelEnd(text: string): number {
  return text.charCodeAt(0) === LESS_THAN ? (LEVEL.exec(text)?.[0].length ?? 0) : 0
}

/** Where the time stamp that begins at `at` ends, or -1. */
function stampEnd(text: string, at: number): number {
  if (text.charCodeAt(at) !== OPEN) return -1
  let end = at + 1
  while (text.charCodeAt(end) === SPACE) end++
  const seconds = end
  while (isDigit(text.charCodeAt(end))) end++
  if (end === seconds || text.charCodeAt(end) !== DOT) return -1
  const micros = ++end
  while (isDigit(text.charCodeAt(end))) end++
  return end - micros === MICROS && text.charCodeAt(end) === CLOSE ? end + 1 : -1
}

const isDigit = (code: number): boolean => code >= ZERO && code < ZERO + 10

/** s, of the time stamp at `at`, which ends at `end`. */
function timeAt(text: string, at: number, end: number): number {
  let micros = 0
  for (let index = at + 1; index < end - 1; index++) {
    const code = text.charCodeAt(index)
    if (code !== SPACE && code !== DOT) micros = micros * 10 + code - ZERO
  }
  return micros / 1e6
}

/** Whether the line may begin with something of printk's; most lines of programs do not. */
function mayBegin(text: string): boolean {
  const first = text.charCodeAt(0)
  return first === OPEN || first === LESS_THAN
}

/** printk's time stamp at the beginning of a line, s, or -1. */
export function stampOf(text: string): number {
  if (!mayBegin(text)) return -1
  const at = levelEnd(text)
  const end = stampEnd(text, at)
  return end === -1 ? -1 : timeAt(text, at, end)
}

/** Whether printk's time stamp stands first. */
export const isStamped = (text: string): boolean => mayBegin(text) && stampEnd(text, levelEnd(text)) !== -1

export function printkPrefix(text: string): PrintkPrefix {
  if (!mayBegin(text)) return NOTHING
  const at = levelEnd(text)
  const end = stampEnd(text, at)
  const next = end === -1 ? at : end
  CALLER.lastIndex = next
  const caller = text.charCodeAt(next) === OPEN ? CALLER.exec(text)?.[1] : undefined
  return {
    time: end === -1 ? undefined : timeAt(text, at, end),
    level: at === 0 ? undefined : Number(text.slice(1, at - 1)) & 7,
    caller,
  }
}
