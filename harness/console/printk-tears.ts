// SPDX-License-Identifier: Apache-2.0
import { LONGEST_LINE } from './line-splitter.ts'
import { type Attributed, OpenLine, type Segment, type Source } from './open-line.ts'
import { stampOf } from './printk.ts'
import type { RepairKind } from './repair.ts'

/** A time stamp of printk's that does not stand first; group 1 and 2: s and µs. */
const INNER_STAMP = /(?:<\d{1,4}>)?\[ {0,4}(\d+)\.(\d{6})\]/g
/** A syslog daemon's copy of a line of the kernel's. */
const SYSLOG = /kernel: $/

interface Printer {
  /** The beginning of a program's line. */
  begun: OpenLine | undefined
  /** printk's latest time stamp, s. */
  time: number
}

/**
 * A program's line on a console leaves the UART's buffer byte by byte (`serial_core.c`), and a line of printk's, written at once
 * (`pl011_console_write`), may come into its middle: `hel[    1.000000] rcu: …`, then `lo`. printk's lines begin with their time
 * stamps, which do not go back: those that do were printed by a program.
 */
export class PrintkTears {
  readonly #printers = new Map<Source, Printer>()

  /** The lines that `line` is, taken apart and put together. */
  push(line: Attributed, out: Attributed[]): void {
    const { source, text } = line
    const printer = this.#printers.get(source)
    const time = stampOf(text)
    if (time !== -1) {
      if (!printer) this.#printers.set(source, { begun: undefined, time })
      // A kernel that starts anew begins at 0.
      else if (time > printer.time || time === 0) printer.time = time
      out.push(line)
      return
    }
    const cut = printer ? innerStamp(text, printer.time) : -1
    if (!printer || (cut === -1 && !printer.begun)) {
      out.push(line)
      return
    }
    const program = this.#append(printer, line, cut === -1 ? text : text.slice(0, cut))
    if (cut === -1) {
      printer.begun = undefined
      out.push(program.line(source))
      return
    }
    if (program.text.length > LONGEST_LINE) out.push(program.part(source))
    const how: RepairKind[] = [...line.how, 'cut out']
    out.push({ ...line, text: text.slice(cut), how })
  }

  /** Programs' lines whose rest never came. */
  end(): Attributed[] {
    const left: Attributed[] = []
    for (const [source, { begun }] of this.#printers) {
      begun?.how.push('unended')
      if (begun) left.push(begun.line(source))
    }
    this.#printers.clear()
    return left
  }

  #append(printer: Printer, { from, to, dirty, stamp, how }: Attributed, text: string): OpenLine {
    const segment: Segment = { text, from, to, dirty }
    if (printer.begun) printer.begun.append(segment)
    else printer.begun = new OpenLine(segment, stamp)
    printer.begun.how.push(...how, 'untorn')
    return printer.begun
  }
}

/** Where printk's line begins in a program's, or -1. `time`: printk's latest. */
function innerStamp(text: string, time: number): number {
  if (text.indexOf('[', 1) === -1) return -1
  for (const match of text.matchAll(INNER_STAMP)) {
    const stamp = Number(match[1]) + Number(match[2]) / 1e6
    if (stamp >= time && !SYSLOG.test(text.slice(0, match.index))) return match.index
  }
  return -1
}
