// SPDX-License-Identifier: Apache-2.0
import { type ConsoleLine, XEN } from './line.ts'
import { LineSplitter, type WireLine } from './line-splitter.ts'
import { type Attributed, ONE_SPAN, type Source } from './open-line.ts'
import { printkPrefix } from './printk.ts'
import { PrintkTears } from './printk-tears.ts'
import { type RepairKind, repairOf } from './repair.ts'
import { textOf } from './text.ts'
import { XenWire } from './xen-wire.ts'

export interface WireOptions {
  /** Its name, which the lines carry. */
  name: string
  /** Xen shares it with domains, and marks whose line is whose; else all is printed by one domain, or by Xen. */
  shared: boolean
  /** Name of a domain by its domid, or of Xen; of a wire that is not shared, it is asked for Xen. */
  nameOf: (source: Source) => string
}

/**
 * Turns the bytes of one wire into lines. It holds what is incomplete (at most 64 KiB a domain) and no line that is complete; the lines
 * are the same however the bytes come in, but for their host time.
 */
export class Demultiplexer {
  readonly #options: WireOptions
  readonly #splitter = new LineSplitter()
  readonly #xen: XenWire | undefined
  readonly #tears = new PrintkTears()
  /** The last line on a wire of one printer was a part. */
  #part = false

  constructor(options: WireOptions) {
    this.#options = options
    this.#xen = options.shared ? new XenWire() : undefined
  }

  /** The lines that `bytes` complete. `at`: host time, ms since the board's start. */
  push(bytes: Uint8Array, at: number): ConsoleLine[] {
    return this.#lines(this.#splitter.push(bytes), at)
  }

  /** What is incomplete, flagged, when the wire has ended. */
  end(at: number): ConsoleLine[] {
    const lines = this.#lines(this.#splitter.end(), at)
    const left: Attributed[] = []
    for (const line of this.#xen?.end() ?? []) this.#untear(line, left)
    for (const line of [...left, ...this.#tears.end()]) lines.push(this.#lineOf(line, at))
    return lines
  }

  /**
   * What has come of a line whose end has not, such as a prompt. On a shared wire it is not known whose it is: Xen may go on in another line
   * first.
   */
  unended(at: number): ConsoleLine | undefined {
    const begun = this.#xen ? undefined : this.#splitter.unended
    if (!begun) return undefined
    const { text, from, to, dirty } = begun
    const how: RepairKind[] = ['unended']
    return this.#lineOf({ source: XEN, text, from, to, dirty, stamp: undefined, how, spans: ONE_SPAN }, at)
  }

  #lines(wireLines: WireLine[], at: number): ConsoleLine[] {
    const whole: Attributed[] = []
    for (const wireLine of wireLines) {
      if (!this.#xen) this.#tears.push(this.#alone(wireLine), whole)
      else for (const line of this.#xen.push(wireLine)) this.#untear(line, whole)
    }
    return whole.map((line) => this.#lineOf(line, at))
  }

  /** Xen has no programs. */
  #untear(line: Attributed, whole: Attributed[]): void {
    if (line.source === XEN) whole.push(line)
    else this.#tears.push(line, whole)
  }

  #alone({ text, from, to, dirty, end }: WireLine): Attributed {
    const how: RepairKind[] = []
    if (this.#part || end === 'part') how.push('part')
    if (end === 'none') how.push('unended')
    this.#part = end === 'part'
    return { source: XEN, text, from, to, dirty, stamp: undefined, how, spans: ONE_SPAN }
  }

  #lineOf({ source, text: bytes, from, to, dirty, stamp, how, spans }: Attributed, at: number): ConsoleLine {
    const text = dirty ? textOf(bytes, how) : bytes
    const { time, level, caller } = printkPrefix(text)
    return {
      domain: this.#options.nameOf(source),
      text,
      at,
      guestTime: time,
      level,
      caller,
      xenStamp: stamp,
      wire: this.#options.name,
      from,
      to,
      repair: how.length === 0 ? undefined : repairOf(how, spans),
    }
  }
}
