// SPDX-License-Identifier: Apache-2.0
import type { XEN } from './line.ts'
import type { RepairKind } from './repair.ts'

/** Who prints on a wire: a domain, by its domid, or Xen itself. */
export type Source = number | typeof XEN

/** A line of somebody's, as it stood on the wire, one character a byte. */
export interface Attributed {
  source: Source
  text: string
  from: number
  to: number
  dirty: boolean
  /** Xen's time stamp before its first piece. */
  stamp: string | undefined
  how: RepairKind[]
  spans: readonly [number, number][]
}

/** For lines in one piece. */
export const ONE_SPAN: readonly [number, number][] = []

/** A part of a line, and where it stands. */
export interface Segment {
  text: string
  from: number
  to: number
  dirty: boolean
}

/** A line of which more is to come. */
export class OpenLine {
  text: string
  from: number
  to: number
  dirty: boolean
  how: RepairKind[] = []
  readonly stamp: string | undefined
  spans: [number, number][]

  constructor(first: Segment, stamp?: string) {
    this.text = first.text
    this.from = first.from
    this.to = first.to
    this.dirty = first.dirty
    this.stamp = stamp
    this.spans = [[first.from, first.to]]
  }

  append({ text, from, to, dirty }: Segment): void {
    this.text += text
    this.dirty ||= dirty
    const last = this.spans.at(-1)
    if (last?.[1] === from) last[1] = to
    else this.spans.push([from, to])
    this.to = to
  }

  /** What has come so far, as a line. */
  line(source: Source): Attributed {
    const { from, to, dirty, stamp, how, spans } = this
    return { source, text: withoutCrs(this.text), from, to, dirty, stamp, how, spans }
  }

  /** What has come so far, as a part of a line that is too long. */
  part(source: Source): Attributed {
    this.how.push('part')
    const part = { ...this.line(source), text: this.text }
    this.text = ''
    this.from = this.to
    this.how = ['part']
    this.spans = [[this.to, this.to]]
    return part
  }
}

// A CR that a tear parted from its LF is in the text.
const withoutCrs = (text: string): string => (text.endsWith('\r') ? text.replace(/\r+$/, '') : text)
