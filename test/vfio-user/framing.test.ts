// SPDX-License-Identifier: Apache-2.0
import { closeSync, fstatSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Framer } from '../../harness/vfio-user/framing.ts'
import { HEADER, MAX_MESSAGE } from '../../harness/vfio-user/protocol.ts'
import { message, newEventfd } from './client.ts'

interface Seen {
  messages: string[]
  fds: number[][]
  tooLong: number
  senseless: number
}

function framer(): { framer: Framer; seen: Seen } {
  const seen: Seen = { messages: [], fds: [], tooLong: 0, senseless: 0 }
  const handlers = {
    message(bytes: Buffer, fds: number[]) {
      seen.messages.push(bytes.toString('hex'))
      seen.fds.push(fds)
    },
    tooLong: () => seen.tooLong++,
    senseless: () => seen.senseless++,
  }
  return { framer: new Framer(handlers), seen }
}

/** Feeds bytes in pieces that end at `cuts`. */
function feed(into: Framer, bytes: Buffer, cuts: number[]): void {
  const places = [0, ...cuts.map((cut) => cut % (bytes.length + 1)).sort((a, b) => a - b), bytes.length]
  for (const [index, from] of places.slice(0, -1).entries()) {
    // The receiver's buffer is used again for the next piece.
    const piece = Buffer.from(bytes.subarray(from, places[index + 1]))
    into.take(piece, [])
    piece.fill(0xee)
  }
}

const isOpen = (fd: number): boolean => {
  try {
    fstatSync(fd)
    return true
  } catch {
    return false
  }
}

describe('messages come whole and in order', () => {
  test('however the stream is cut', () => {
    const bodies = fc.array(fc.uint8Array({ maxLength: 60 }), { minLength: 1, maxLength: 8 })
    fc.assert(
      fc.property(bodies, fc.array(fc.nat(), { maxLength: 20 }), (all, cuts) => {
        const messages = all.map((each, id) => message(9, each, { id }))
        const { framer: into, seen } = framer()
        feed(into, Buffer.concat(messages), cuts)
        expect(seen.messages).toEqual(messages.map((each) => each.toString('hex')))
      }),
      { seed: 20221014, numRuns: 500 },
    )
  })

  test('also around one that is too long, which is announced once and skipped', () => {
    const long = message(9, Buffer.alloc(200, 0xaa), { length: MAX_MESSAGE + 200 })
    const rest = Buffer.alloc(MAX_MESSAGE + 200 - long.length, 0xbb)
    const [before, after] = [message(1, Buffer.from('before')), message(2, Buffer.from('after'))]
    const stream = Buffer.concat([before, long, rest, after])
    fc.assert(
      fc.property(
        fc.array(fc.nat(), { maxLength: 6 }),
        fc.array(fc.nat(60), { maxLength: 6 }),
        (far, near) => {
          const { framer: into, seen } = framer()
          feed(into, stream, [...far, ...near])
          expect(seen).toMatchObject({
            messages: [before, after].map((each) => each.toString('hex')),
            tooLong: 1,
          })
        },
      ),
      { seed: 20221014, numRuns: 30 },
    )
  })

  test.each([0, 1, HEADER.size - 1])('nothing is taken behind a length of %i', (length) => {
    const { framer: into, seen } = framer()
    feed(into, Buffer.concat([message(1), message(2, undefined, { length }), message(3)]), [20])
    expect(seen).toMatchObject({ messages: [message(1).toString('hex')], senseless: 1 })
  })
})

describe('a descriptor belongs to the message that has the last byte that was read with it', () => {
  const [first, second, third] = [1, 2, 3].map((id) => message(9, Buffer.alloc(8), { id })) as [
    Buffer,
    Buffer,
    Buffer,
  ]
  const pair = Buffer.concat([first, second])

  test.each<[string, { bytes: Buffer; fd?: boolean }[], number[]]>([
    ['alone', [{ bytes: first, fd: true }], [1]],
    ['the last of several', [{ bytes: Buffer.concat([pair, third]), fd: true }], [0, 0, 1]],
    [
      'torn, and the next comes with its end',
      [{ bytes: first.subarray(0, 5), fd: true }, { bytes: Buffer.concat([first.subarray(5), second]) }],
      [1, 0],
    ],
    [
      'torn behind another',
      [
        { bytes: Buffer.concat([first, second.subarray(0, 20)]), fd: true },
        { bytes: Buffer.concat([second.subarray(20), third]) },
      ],
      [0, 1, 0],
    ],
    [
      'with every piece, and with the next',
      [
        { bytes: first.subarray(0, 5), fd: true },
        { bytes: first.subarray(5, 20), fd: true },
        { bytes: Buffer.concat([first.subarray(20), second]), fd: true },
      ],
      [2, 1],
    ],
  ])('%s', (_, pieces, counts) => {
    const { framer: into, seen } = framer()
    for (const { bytes, fd } of pieces) into.take(bytes, fd ? [newEventfd()] : [])
    expect(seen.fds.map(({ length }) => length)).toEqual(counts)
    for (const fd of seen.fds.flat()) closeSync(fd)
  })

  test('and is closed when that message is too long, or has no end, or brings too many', () => {
    const fds = Array.from({ length: 70 }, () => newEventfd())
    const { framer: into, seen } = framer()
    const long = message(9, Buffer.alloc(8), { length: MAX_MESSAGE + 1 })
    into.take(long.subarray(0, 8), fds.slice(0, 1))
    into.take(long.subarray(8), fds.slice(1, 2))
    into.take(Buffer.alloc(MAX_MESSAGE + 1 - long.length), [])
    expect(fds.slice(0, 2).some(isOpen)).toBe(false)
    into.take(first, [])
    expect(seen.fds).toEqual([[]])
    into.take(message(9, Buffer.alloc(0), { length: 1000 }), [])
    for (const fd of fds.slice(2)) into.take(Buffer.alloc(1), [fd])
    expect(fds.filter(isOpen).length).toBe(32)
    into.close()
    expect(fds.some(isOpen)).toBe(false)
  })
})
