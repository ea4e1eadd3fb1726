// SPDX-License-Identifier: Apache-2.0
import type { Repair } from './repair.ts'

/** One line that a domain, or Xen, printed. */
export interface ConsoleLine {
  /** Name of the domain, or `Xen`. */
  domain: string
  /** The line without its end, without what Xen put before it, and without escape sequences and NULs. */
  text: string
  /** Host time when its end came, in ms since the board's QEMU was started. */
  at: number
  /** Guest time: printk's time stamp, in s since the domain's kernel started; undefined if none was printed. */
  guestTime?: number | undefined
  /** printk's log level, 0 (emergency) to 7 (debug), where it was printed. */
  level?: number | undefined
  /** Who called printk, where it was printed: `T12` a task, `C0` a processor in an interrupt. */
  caller?: string | undefined
  /** Xen's own time stamp, as printed, less its brackets. */
  xenStamp?: string | undefined
  /** The wire that it came on; the bytes are in the run's file `WIRE.raw`. Undefined if it was printed before this run's QEMU. */
  wire?: string | undefined
  /** Offsets of its first byte and of the one after its end into the wire's bytes. What lies between may hold lines of others: `repair.spans`. */
  from?: number | undefined
  to?: number | undefined
  /** What had to be done to the bytes to get this line; undefined: nothing but to take away what Xen puts before every line. */
  repair?: Repair | undefined
}

/** What the hypervisor itself prints is under this name. */
export const XEN = 'Xen'
