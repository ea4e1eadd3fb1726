// SPDX-License-Identifier: Apache-2.0
import { XEN } from './line.ts'

/**
 * Xen cuts what a vpl011 guest prints into pieces of at most this many characters, each printed as a line of its own
 * (`vpl011_write_data_xen` in Xen's `xen/arch/arm/vpl011.c`: `SBSA_UART_OUT_BUF_SIZE` less newline and NUL).
 */
const PIECE = 126

/** Who printed a line of Xen's UART, and what. */
export interface Attributed {
  /** A domid, or Xen itself. */
  source: number | typeof XEN
  text: string
}

const FROM_VPL011 = /^\(XEN\) (?:\[[^\]]*\] )?DOM(\d+): (.*)$/s
const FROM_CONSOLE_IO = /^\(d(\d+)\) (.*)$/s
const FROM_XEN = /^\(XEN\) (.*)$/s

/** Where the input focus is now (`console_switch_input` in Xen's `xen/drivers/char/console.c`). */
const FOCUS = /^\*\*\* Serial input to (?:DOM(\d+)|Xen) /
/** What the domU with the input focus prints has no mark of its own; but Xen's lines have no time stamp, and printk's have. */
const PRINTK = /^\[ *\d+\.\d+\]/

/**
 * Tells apart who printed the lines of the UART that Xen shares with the domUs, and joins the pieces again: a full piece is
 * always followed by the rest of its line, if only by an empty one.
 */
export class XenWire {
  readonly #begun = new Map<number, string>()
  #focus: number | typeof XEN = XEN

  /** The lines that `line` completes: none while pieces are missing. */
  push(line: string): Attributed[] {
    const vpl011 = FROM_VPL011.exec(line)
    if (vpl011) return this.#piece(Number(vpl011[1]), vpl011[2] ?? '')
    const consoleIo = FROM_CONSOLE_IO.exec(line)
    if (consoleIo) return [{ source: Number(consoleIo[1]), text: consoleIo[2] ?? '' }]
    const text = FROM_XEN.exec(line)?.[1] ?? line
    const focus = FOCUS.exec(text)
    if (focus) this.#focus = focus[1] === undefined ? XEN : Number(focus[1])
    return [{ source: PRINTK.test(text) ? this.#focus : XEN, text }]
  }

  #piece(domid: number, text: string): Attributed[] {
    const whole = (this.#begun.get(domid) ?? '') + text
    if (text.length >= PIECE) {
      this.#begun.set(domid, whole)
      return []
    }
    this.#begun.delete(domid)
    return [{ source: domid, text: whole.replace(/\r+$/, '') }]
  }

  /** The pieces whose rest never came. */
  end(): Attributed[] {
    const left = [...this.#begun].map(([source, text]) => ({ source, text }))
    this.#begun.clear()
    return left
  }
}
