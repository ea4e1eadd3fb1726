// SPDX-License-Identifier: Apache-2.0
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'

/** Calls `line` for every line of a wire. A wire that breaks when QEMU goes is no error here: its `close` event tells. */
export function linesOf(wire: Readable, line: (text: string) => void): void {
  createInterface({ input: wire, crlfDelay: Number.POSITIVE_INFINITY })
    .on('line', line)
    .on('error', () => {})
  wire.on('error', () => {})
}
