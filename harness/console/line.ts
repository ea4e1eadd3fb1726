// SPDX-License-Identifier: Apache-2.0

/** One line that a domain, or Xen, printed. */
export interface ConsoleLine {
  /** Name of the domain, or `Xen`. */
  domain: string
  /** The line without its end, and without what Xen put before it. */
  text: string
  /** Host time when its end came, in ms since the board's QEMU was started. */
  at: number
}

/** What the hypervisor itself prints is under this name. */
export const XEN = 'Xen'
