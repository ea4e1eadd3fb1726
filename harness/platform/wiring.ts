// SPDX-License-Identifier: Apache-2.0
import type { Readable } from 'node:stream'
import { type Attributed, type Console, LineSplitter, type XEN, XenWire } from '../console/index.ts'

/** Who prints on a UART. */
export interface Printers {
  /** Xen shares it with domUs, and marks whose line is whose. */
  xen: boolean
  console: (source: number | typeof XEN) => Console
}

/** Turns the bytes of a UART into lines on the consoles of those who print on it. `now`: ms since the board's start. */
export function connectUart(wire: Readable, printers: Printers, now: () => number): void {
  const splitter = new LineSplitter()
  const xenWire = new XenWire()
  const push = (lines: Attributed[]) => {
    for (const { source, text } of lines) {
      const console = printers.console(source)
      console.push({ domain: console.domain, text, at: now() })
    }
  }
  const attribute = (line: string): Attributed[] =>
    printers.xen ? xenWire.push(line) : [{ source: 'Xen', text: line }]
  wire.on('data', (bytes: Uint8Array) => push(splitter.push(bytes).flatMap(attribute)))
  wire.on('end', () => push([...splitter.end().flatMap(attribute), ...xenWire.end()]))
  wire.on('error', () => {})
}
