// SPDX-License-Identifier: Apache-2.0
/** An access as the emulator passes it on, cut into those that a function takes: aligned, four bytes at most. */
import type { Width } from './config-space.ts'

/** Nothing is answered late, mostly. */
const NONE: Promise<unknown>[] = []

/** The size of the first piece of `length` bytes at `offset`. */
function widthAt(offset: number, length: number): Width {
  if (offset % 4 === 0 && length >= 4) return 4
  return offset % 2 === 0 && length >= 2 ? 2 : 1
}

/** Fills `into`, which stands at `offset`, with what `read` gives for each piece. A promise if one of them was. */
export function readPieces(
  offset: number,
  into: Buffer,
  read: (offset: number, width: Width) => number | Promise<number>,
): void | Promise<void> {
  const { length } = into
  let pending: Promise<unknown>[] = NONE
  for (let at = 0; at < length; ) {
    const [here, width] = [at, widthAt(offset + at, length - at)]
    const value = read(offset + here, width)
    if (typeof value === 'number') into.writeUIntLE(value, here, width)
    else pending = [...pending, value.then((late) => into.writeUIntLE(late, here, width))]
    at += width
  }
  if (pending.length > 0) return Promise.all(pending).then(() => {})
}

/** Hands each piece of `data`, which stands at `offset`, to `write`. A promise if one of them was. */
export function writePieces(
  offset: number,
  data: Buffer,
  write: (offset: number, width: Width, value: number) => void | Promise<void>,
): void | Promise<void> {
  const { length } = data
  let pending: Promise<unknown>[] = NONE
  for (let at = 0; at < length; ) {
    const width = widthAt(offset + at, length - at)
    const done = write(offset + at, width, data.readUIntLE(at, width))
    if (done) pending = [...pending, done]
    at += width
  }
  if (pending.length > 0) return Promise.all(pending).then(() => {})
}
