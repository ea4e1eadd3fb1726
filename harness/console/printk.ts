// SPDX-License-Identifier: Apache-2.0

/** What printk puts before a text. */
export interface PrintkPrefix {
  /** s since the kernel started. */
  time: number | undefined
  /** 0 to 7. */
  level: number | undefined
  /** `T12`: a task; `C0`: a processor in an interrupt. */
  caller: string | undefined
}

/**
 * `info_print_prefix` of the kernel's `kernel/printk/printk.c`: `<%u>` (facility << 3 | level, with `console_msg_format=syslog`),
 * `[%5lu.%06lu]` (PRINTK_TIME), `[%6s]` (PRINTK_CALLER).
 */
const PREFIX = /^(?:<(\d{1,4})>)?(?:\[ *(\d+)\.(\d{6})\])?(?:\[ *([TC]\d+)\])?/

/** A time stamp of printk's, and of Xen's with `console_timestamps=boot`: they are alike. */
const STAMP = /^(?:<\d{1,4}>)?\[ {0,4}\d+\.\d{6}\]/

const NOTHING: PrintkPrefix = { time: undefined, level: undefined, caller: undefined }
const [LESS_THAN, BRACKET] = [0x3c, 0x5b]

export function printkPrefix(text: string): PrintkPrefix {
  const first = text.charCodeAt(0)
  if (first !== BRACKET && first !== LESS_THAN) return NOTHING
  const match = PREFIX.exec(text)
  if (!match) return NOTHING
  const [, priority, seconds, micros, caller] = match
  return {
    time: seconds === undefined ? undefined : Number(seconds) + Number(micros) / 1e6,
    level: priority === undefined ? undefined : Number(priority) & 7,
    caller,
  }
}

/** Whether printk's time stamp stands first. */
export function isStamped(text: string): boolean {
  const first = text.charCodeAt(0)
  return (first === BRACKET || first === LESS_THAN) && STAMP.test(text)
}
