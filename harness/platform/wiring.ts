// SPDX-License-Identifier: Apache-2.0
import type { Readable } from 'node:stream'
import { type Console, type ConsoleLine, Demultiplexer, type Source } from '../console/index.ts'

/** How long the end of a line may take before it is shown without, ms. */
const UNENDED = 500

/** Who prints on a UART. */
export interface Printers {
  /** Name of the wire. */
  uart: string
  /** Xen shares it with domains, and marks whose line is whose. */
  xen: boolean
  console: (source: Source) => Console
}

/** Turns the bytes of a UART into lines on the consoles of those who print on it. `now`: ms since the board's start. */
export function connectUart(wire: Readable, { uart, xen, console }: Printers, now: () => number): void {
  const consoles = new Map<string, Console>()
  const nameOf = (source: Source): string => {
    const printer = console(source)
    consoles.set(printer.domain, printer)
    return printer.domain
  }
  const demultiplexer = new Demultiplexer({ name: uart, shared: xen, nameOf })
  const push = (lines: ConsoleLine[]) => {
    for (const line of lines) consoles.get(line.domain)?.push(line)
  }
  const begin = () => {
    const unended = demultiplexer.unended(now())
    if (unended) consoles.get(unended.domain)?.begin(unended)
  }
  // A UART's bytes come a few at a time: the timer is made once.
  const late = setTimeout(begin, UNENDED).unref()
  wire.on('data', (bytes: Uint8Array) => {
    push(demultiplexer.push(bytes, now()))
    late.refresh()
  })
  wire.on('end', () => {
    clearTimeout(late)
    push(demultiplexer.end(now()))
  })
}
