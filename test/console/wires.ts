// SPDX-License-Identifier: Apache-2.0
/** Wires as Xen and the kernel's drivers fill them, for tests. */
import { type ConsoleLine, Demultiplexer, type Source, XEN } from '../../harness/console/index.ts'

export const nameOf = (source: Source): string => (source === XEN ? XEN : `dom${source}`)

/** One character a byte. */
export const bytesOf = (latin1: string): Buffer => Buffer.from(latin1, 'latin1')

export function demultiplex(wire: Uint8Array, cuts: readonly number[] = [], shared = true): ConsoleLine[] {
  const demultiplexer = new Demultiplexer({ name: 'uart0', shared, nameOf })
  const lines: ConsoleLine[] = []
  let at = 0
  for (const size of cuts) {
    lines.push(...demultiplexer.push(wire.subarray(at, at + size), 0))
    at += size
  }
  return [...lines, ...demultiplexer.push(wire.subarray(at), 0), ...demultiplexer.end(0)]
}

/** From here on dom0 may print. */
export const BOOTED = "(XEN) *** Serial input to Xen (type 'CTRL-a' three times to switch input)\r\n"

/** What Xen prints when a vpl011 guest prints `text`, newline included: `vpl011_write_data_xen`, and CRLF for LF (`serial_puts`). */
export function throughVpl011(domid: number, text: string, stamp = ''): string[] {
  const printed: string[] = []
  let out = ''
  for (const character of text) {
    out += character
    if (out.length !== 126 && character !== '\n') continue
    printed.push(`(XEN) ${stamp}DOM${domid}: ${out.replace(/\n$/, '')}\r\n`)
    out = ''
  }
  return printed
}

/** What Xen prints when a domain writes `text` by `console_io`, 16 bytes at a time: `guest_console_write`. */
export function throughConsoleIo(domid: number, text: string): string[] {
  const printed: string[] = []
  let buffer = ''
  for (let write of text.match(/.{1,16}/gs) ?? []) {
    while (write) {
      const newline = write.indexOf('\n')
      const taken = newline === -1 ? write : write.slice(0, newline + 1)
      write = write.slice(taken.length)
      const kept = taken.replaceAll(/[\r\n]/g, '')
      if (newline === -1 && buffer.length + kept.length < 255) buffer += kept
      else {
        printed.push(`(d${domid}) ${buffer}${kept}\r\n`)
        buffer = ''
      }
    }
  }
  return printed
}

export const textsOf = (lines: readonly ConsoleLine[], domain: string): string[] =>
  lines.filter((line) => line.domain === domain).map(({ text }) => text)
