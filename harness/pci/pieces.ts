// SPDX-License-Identifier: Apache-2.0
/** An access as the emulator passes it on, cut into those that a function takes: aligned, four bytes at most, one after the other. */
import type { Width } from './config-space.ts'

/** The size of the first piece of `length` bytes at `offset`. */
function widthAt(offset: number, length: number): Width {
  if (offset % 4 === 0 && length >= 4) return 4
  return offset % 2 === 0 && length >= 2 ? 2 : 1
}

type ReadPiece = (offset: number, width: Width) => number | Promise<number>
type WritePiece = (offset: number, width: Width, value: number) => void | Promise<void>

/** Fills `into`, which stands at `offset`, with what `read` gives for each piece. A promise as soon as one of them is. */
export function readPieces(offset: number, into: Buffer, read: ReadPiece, from = 0): void | Promise<void> {
  const { length } = into
  for (let at = from; at < length; ) {
    const width = widthAt(offset + at, length - at)
    const value = read(offset + at, width)
    if (typeof value !== 'number') return readLater(value, { offset, into, read, at, width })
    into.writeUIntLE(value, at, width)
    at += width
  }
}

async function readLater(
  value: Promise<number>,
  {
    offset,
    into,
    read,
    at,
    width,
  }: { offset: number; into: Buffer; read: ReadPiece; at: number; width: Width },
): Promise<void> {
  into.writeUIntLE(await value, at, width)
  await readPieces(offset, into, read, at + width)
}

/** Hands each piece of `data`, which stands at `offset` and is looked at during the call only, to `write`. A promise as soon as one of them is. */
export function writePieces(offset: number, data: Buffer, write: WritePiece): void | Promise<void> {
  const { length } = data
  for (let at = 0; at < length; ) {
    const width = widthAt(offset + at, length - at)
    const done = write(offset + at, width, data.readUIntLE(at, width))
    at += width
    if (done) return writeLater(done, offset + at, Buffer.from(data.subarray(at)), write)
  }
}

async function writeLater(
  done: Promise<void>,
  offset: number,
  rest: Buffer,
  write: WritePiece,
): Promise<void> {
  await done
  await writePieces(offset, rest, write)
}
