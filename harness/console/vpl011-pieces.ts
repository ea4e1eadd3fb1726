// SPDX-License-Identifier: Apache-2.0
import { LONGEST_LINE, type WireLine } from './line-splitter.ts'
import { type Attributed, ONE_SPAN, OpenLine, type Segment } from './open-line.ts'
import { isStamped } from './printk.ts'
import type { RepairKind } from './repair.ts'
import { holdsMark, type Mark } from './xen-marks.ts'

/**
 * Xen cuts what a vpl011 guest prints into pieces of this many bytes, the guest's CR among them, each printed as a line of its own
 * (`vpl011_write_data_xen` in Xen's `xen/arch/arm/vpl011.c`: `SBSA_UART_OUT_BUF_SIZE` less newline and NUL). A full piece is always
 * followed by the rest of its line, if only by an empty one.
 */
const PIECE = 126
/** What a domain prints by `console_io` is cut once the buffer (`domain_console.buf`, 256 bytes) cannot take the next write. */
const CONSOLE_IO_PIECE = 255
/** Domains whose lines may be incomplete at a time. Whoever can write `(XEN) DOMn: ` can name any number of them. */
const MOST_OPEN = 64

/** What may follow a piece whose length alone does not say whether it is full. */
type Doubt = 'only an empty rest joins' | 'all but a new time stamp joins'

interface Open {
  line: OpenLine
  doubt: Doubt | undefined
  /** There was a CR before the piece's end that is the guest's and not Xen's. */
  guestCr: boolean
}

/** Joins the pieces of lines that Xen printed for domains. */
export class Vpl011Pieces {
  readonly #open = new Map<number, Open>()
  /** CRs with which Xen ends its own lines on this wire: one on a UART, none in a log that was converted. */
  lineEndCrs = 1

  /** The lines that the piece completes. */
  push(mark: Mark, wire: WireLine, piece: Segment, how: RepairKind[], out: Attributed[]): void {
    const { domid } = mark
    if (holdsMark(piece.text)) how.push('mixed')
    const begun = this.#continued(domid, piece.text, out)
    const extraCrs = Math.max(0, wire.crs - this.lineEndCrs)
    const length = wire.end === 'lf' ? piece.text.length : 0
    const full = mark.kind === 'vpl011' && length === PIECE
    const doubt = full ? undefined : doubtOf(mark, length)
    if (mark.kind === 'vpl011' && length > PIECE) how.push('mixed')
    if (!begun && !full && !doubt) {
      // The usual line, in one piece.
      if (wire.end === 'none') how.push('unended')
      const { text, from, to, dirty } = piece
      out.push({ source: domid, text, from, to, dirty, stamp: mark.stamp, how, spans: ONE_SPAN })
      return
    }
    const line = begun?.line ?? new OpenLine(piece, mark.stamp)
    if (begun) {
      line.append(piece)
      line.how.push(begun.doubt && !begun.guestCr ? 'joined by guess' : 'joined')
    }
    line.how.push(...how)
    if (!full && !doubt) {
      if (wire.end === 'none') line.how.push('unended')
      out.push(line.line(domid))
      return
    }
    // The guest's own CRs count among the piece's bytes.
    if (full && extraCrs > 0) line.text += '\r'.repeat(extraCrs)
    if (line.text.length > LONGEST_LINE) out.push(line.part(domid))
    this.#open.set(domid, { line, doubt, guestCr: extraCrs > 0 })
    if (this.#open.size > MOST_OPEN) this.#giveUp(out)
  }

  /** What is incomplete. */
  end(): Attributed[] {
    const left = [...this.#open].map(([domid, open]) => ended(domid, open))
    this.#open.clear()
    return left
  }

  /** The line that `text` continues; one that it does not continue was whole. */
  #continued(domid: number, text: string, out: Attributed[]): Open | undefined {
    if (this.#open.size === 0) return undefined
    const open = this.#open.get(domid)
    if (!open) return undefined
    this.#open.delete(domid)
    const joins =
      !open.doubt || text === '' || (open.doubt === 'all but a new time stamp joins' && !isStamped(text))
    if (joins) return open
    if (open.doubt === 'only an empty rest joins' && open.guestCr) open.line.how.push('unended')
    out.push(open.line.line(domid))
    return undefined
  }

  #giveUp(out: Attributed[]): void {
    for (const [domid, open] of this.#open) {
      this.#open.delete(domid)
      out.push(ended(domid, open))
      return
    }
  }
}

function doubtOf(mark: Mark, length: number): Doubt | undefined {
  // The 126th may have been the guest's CR, which cannot be told from Xen's.
  if (mark.kind === 'vpl011') return length === PIECE - 1 ? 'only an empty rest joins' : undefined
  return length >= CONSOLE_IO_PIECE ? 'all but a new time stamp joins' : undefined
}

/** A line whose rest, if there is one, will not come any more. */
function ended(domid: number, { line }: Open): Attributed {
  line.how.push('unended')
  return line.line(domid)
}
