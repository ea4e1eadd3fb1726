// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { LineSplitter } from '../../harness/console/index.ts'

const split = (...chunks: (string | Uint8Array)[]): string[] => {
  const splitter = new LineSplitter()
  const lines = chunks.flatMap((chunk) =>
    splitter.push(typeof chunk === 'string' ? Buffer.from(chunk) : chunk),
  )
  return [...lines, ...splitter.end()]
}

describe('LineSplitter', () => {
  test('drops the CRs before a line end, however many', () => {
    expect(split('one\r\ntwo\r\r\nthree\n')).toEqual(['one', 'two', 'three'])
  })

  test('keeps what stands after the last line end until the wire ends', () => {
    const splitter = new LineSplitter()
    expect(splitter.push(Buffer.from('login: '))).toEqual([])
    expect(splitter.end()).toEqual(['login: '])
    expect(splitter.end()).toEqual([])
  })

  test('replaces bytes that are no UTF-8, and drops NULs', () => {
    expect(split(Uint8Array.of(0x61, 0xff, 0x00, 0x62, 0x0a))).toEqual(['a\ufffdb'])
  })

  test('hands on a line without end in pieces, so that memory stays bounded', () => {
    const lines = split('x'.repeat(200_000))
    expect(lines.length).toBeGreaterThan(1)
    expect(lines.join('')).toBe('x'.repeat(200_000))
  })

  test('gives the same lines however the bytes are cut', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 200 }), fc.array(fc.nat(50)), (text, cuts) => {
        const bytes = Buffer.from(text)
        const chunks: Uint8Array[] = []
        let at = 0
        for (const size of cuts) {
          chunks.push(bytes.subarray(at, at + size))
          at += size
        }
        expect(split(...chunks, bytes.subarray(at))).toEqual(split(bytes))
      }),
    )
  })
})
