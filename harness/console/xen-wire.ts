// SPDX-License-Identifier: Apache-2.0
import { XEN } from './line.ts'
import { LONGEST_LINE, type WireLine } from './line-splitter.ts'
import { type Attributed, ONE_SPAN, OpenLine, type Segment } from './open-line.ts'
import { isStamped } from './printk.ts'
import type { RepairKind } from './repair.ts'
import { Vpl011Pieces } from './vpl011-pieces.ts'
import { focusIn, type Mark, markAt, nextMark } from './xen-marks.ts'

const DOM0 = 0
/** A time stamp of printk's that does not stand first: bytes of dom0 in a line that Xen printed in several steps. */
const INNER_STAMP = /[^<]\[ {0,4}\d+\.\d{6}\]/

const NOTHING_DONE: readonly RepairKind[] = []

/** Whose line goes on where a wire's line was too long. */
type Running = 'raw' | 'own' | number

/**
 * Tells apart who printed the bytes of the UART that Xen shares with the domains. Each line of Xen's, and each piece of a domU's, is
 * printed under one lock and begins with a mark (`printk` in Xen's `xen/drivers/char/console.c`); dom0's bytes on hvc0 are raw, in
 * writes of up to 16 (`N_OUTBUF` of the kernel's `drivers/tty/hvc/hvc_console.c`), and Xen's lines may come between any two.
 * The domain with the input focus prints character by character as if it were Xen.
 *
 * What a domain prints that looks like a mark cannot be told from one: dom0 is trusted; in a domU's piece it is flagged.
 */
export class XenWire {
  readonly #pieces = new Vpl011Pieces()
  /** dom0's line, if it is not over. */
  #raw: OpenLine | undefined
  /** The line of Xen's (or of the domU in focus) that a line of another processor came into. */
  #own: OpenLine | undefined
  #running: Running | undefined
  #focus: number | typeof XEN = XEN
  /** Whether Xen has said where the input goes: from then on domains run. */
  #booted = false
  /** Whether Xen prints time stamps; undefined: not known. */
  #stamped: boolean | undefined
  #seenRaw = false

  /** The lines that `line` completes: none while pieces are missing. */
  push(line: WireLine): Attributed[] {
    const out: Attributed[] = []
    this.#take(line, out)
    return out
  }

  /** What is incomplete when the wire has ended. */
  end(): Attributed[] {
    const out = this.#pieces.end()
    if (this.#own) this.#closeOwn(['unended'], out)
    if (this.#raw) this.#closeRaw(['unended'], out)
    return out
  }

  #take(line: WireLine, out: Attributed[]): void {
    const { text, from, to, dirty, end } = line
    const running = this.#running
    this.#running = undefined
    if (typeof running === 'number') {
      if (end === 'part') this.#running = running
      out.push({ source: running, text, from, to, dirty, stamp: undefined, how: ['part'], spans: ONE_SPAN })
      return
    }
    let at = 0
    let mark = running ? undefined : markAt(text, 0, this.#knownStamps())
    for (;;) {
      const inner = at > 0
      if (mark && mark.kind !== 'xen') {
        if (end === 'part') this.#running = mark.domid
        const how: RepairKind[] = end === 'part' ? ['part'] : []
        if (inner) how.push('cut out')
        if (mark.kind === 'vpl011' && this.#focus === XEN) this.#stamped = mark.stamp !== undefined
        this.#pieces.push(mark, line, { text: text.slice(mark.end), from: from + at, to, dirty }, how, out)
        return
      }
      const begin = mark ? mark.end : at
      const next = nextMark(text, begin)
      const segment: Segment =
        next === -1
          ? { text: begin === 0 ? text : text.slice(begin), from: from + at, to, dirty }
          : { text: text.slice(begin, next), from: from + at, to: from + next, dirty }
      const ending = next === -1 ? end : undefined
      if (mark) this.#takeOwn(mark, segment, inner, ending, line, out)
      else this.#takeUnmarked(segment, running, ending, out)
      if (next === -1) return
      at = next
      mark = markAt(text, at, this.#knownStamps())
    }
  }

  #takeOwn(
    mark: Mark,
    segment: Segment,
    inner: boolean,
    ending: WireLine['end'] | undefined,
    line: WireLine,
    out: Attributed[],
  ): void {
    if (this.#own && (ending !== 'lf' || this.#focus !== XEN)) this.#closeOwn(['unended', 'mixed'], out)
    const how: RepairKind[] = inner ? ['cut out'] : []
    if (ending === 'lf') {
      this.#pieces.lineEndCrs = line.crs
      const { text, from, to, dirty } = segment
      this.#printed({ source: XEN, text, from, to, dirty, stamp: mark.stamp, how, spans: ONE_SPAN }, out)
      return
    }
    this.#own = new OpenLine(segment, mark.stamp)
    this.#own.how.push(...how)
    this.#goOn('own', ending, out)
  }

  #takeUnmarked(
    segment: Segment,
    running: 'raw' | 'own' | undefined,
    ending: WireLine['end'] | undefined,
    out: Attributed[],
  ): void {
    const whose = running ?? this.#whose(segment.text)
    const open = whose === 'raw' ? this.#raw : this.#own
    if (open) {
      open.append(segment)
      if (!running) {
        open.how.push('untorn')
        // Nothing says whose rest it is.
        if (this.#own && (this.#raw || this.#seenRaw)) open.how.push('mixed')
      }
    } else {
      this.#seenRaw = true
      if (ending === 'lf') {
        // The usual line, in one piece.
        const { text, from, to, dirty } = segment
        this.#printedRaw(
          { source: DOM0, text, from, to, dirty, stamp: undefined, how: [], spans: ONE_SPAN },
          out,
        )
        return
      }
      this.#raw = new OpenLine(segment)
    }
    this.#goOn(whose, ending, out)
  }

  /** Whose bytes without a mark are. */
  #whose(text: string): 'raw' | 'own' {
    if (this.#raw || !this.#own) return 'raw'
    return isStamped(text) ? 'raw' : 'own'
  }

  /** After a segment: its line is over, goes on in the wire's next line, or others' lines come first. */
  #goOn(whose: 'raw' | 'own', ending: WireLine['end'] | undefined, out: Attributed[]): void {
    if (ending === 'lf') this.#close(whose, NOTHING_DONE, out)
    else if (ending === 'none') this.#close(whose, ['unended'], out)
    else {
      const open = whose === 'raw' ? this.#raw : this.#own
      if (!open || (ending !== 'part' && open.text.length <= LONGEST_LINE)) return
      if (ending === 'part') this.#running = whose
      out.push(open.part(whose === 'raw' ? DOM0 : XEN))
    }
  }

  #close(whose: 'raw' | 'own', how: readonly RepairKind[], out: Attributed[]): void {
    if (whose === 'raw') this.#closeRaw(how, out)
    else this.#closeOwn(how, out)
  }

  #closeRaw(how: readonly RepairKind[], out: Attributed[]): void {
    const open = this.#raw
    if (!open) return
    this.#raw = undefined
    open.how.push(...how)
    this.#printedRaw(open.line(DOM0), out)
  }

  /** A whole line without a mark. */
  #printedRaw(line: Attributed, out: Attributed[]): void {
    if (this.#booted) {
      if (this.#focus !== XEN) line.how.push('in focus')
    } else {
      // Xen's banner, or a log that begins later.
      line.how.push('unmarked')
      if (!isStamped(line.text)) line.source = XEN
    }
    out.push(line)
  }

  #closeOwn(how: readonly RepairKind[], out: Attributed[]): void {
    const open = this.#own
    if (!open) return
    this.#own = undefined
    open.how.push(...how)
    this.#printed(open.line(XEN), out)
  }

  /** A whole line with Xen's own mark: Xen's, or of the domU in focus. */
  #printed(line: Attributed, out: Attributed[]): void {
    const focus = focusIn(line.text)
    if (focus !== undefined) {
      this.#booted = true
      // dom0 prints the same way with and without the focus.
      this.#focus = focus === 'xen' || focus === DOM0 ? XEN : focus
    } else if (this.#focus !== XEN) {
      line.how.push(isStamped(line.text) ? 'in focus' : 'mixed')
      if (isStamped(line.text)) line.source = this.#focus
    } else {
      this.#stamped = line.stamp !== undefined
      if (this.#seenRaw && INNER_STAMP.test(line.text)) line.how.push('mixed')
    }
    out.push(line)
  }

  /** While a domU has the focus, what looks like a time stamp of Xen's may be its own. */
  #knownStamps(): boolean | undefined {
    return this.#focus === XEN ? undefined : this.#stamped
  }
}
