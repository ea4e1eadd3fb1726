// SPDX-License-Identifier: Apache-2.0
/** What bytes become text, by hand and fast: the same as by the runtime and by an expression. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { withoutEscapes } from '../../harness/console/escapes.ts'
import { Console, FailureScanner } from '../../harness/console/index.ts'
import { fromUtf8 } from '../../harness/console/utf8.ts'
import { bytesOf, demultiplex } from './wires.ts'

const SEEDED = { seed: 4, numRuns: 2000 }

/** Bytes near the edges of UTF-8's classes, and any others. */
const BYTES = fc
  .array(
    fc.oneof(
      fc.integer({ min: 0, max: 255 }),
      fc.constantFrom(
        0x61,
        0x7f,
        0x80,
        0xbf,
        0xc0,
        0xc2,
        0xdf,
        0xe0,
        0xa0,
        0xed,
        0x9f,
        0xef,
        0xf0,
        0x90,
        0xf4,
        0x8f,
        0xf5,
      ),
    ),
    { maxLength: 12 },
  )
  .map((bytes) => Buffer.from(bytes))

describe('UTF-8', () => {
  test('is what the runtime makes of it, and nothing where it is none', () => {
    const strict = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
    const expected = (bytes: Buffer) => {
      try {
        return strict.decode(bytes)
      } catch {
        return undefined
      }
    }
    fc.assert(
      fc.property(BYTES, (bytes) => {
        expect(fromUtf8(bytes.toString('latin1'))).toBe(expected(bytes))
      }),
      SEEDED,
    )
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 20 }), (text) => {
        expect(fromUtf8(Buffer.from(text).toString('latin1'))).toBe(Buffer.from(text).toString())
      }),
      SEEDED,
    )
  })

  test('of many characters comes out as well', () => {
    const text = 'größe 値段 '.repeat(100)
    expect(demultiplex(Buffer.from(`${text}\n`), [], false)[0]).toMatchObject({ text, repair: undefined })
  })
})

describe('escape sequences', () => {
  /** ECMA-48's, as an expression. */
  const ESCAPES =
    /\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[PX^_][^\x1b]*\x1b\\|[ -/]+[0-~]|[0-OQ-WYZ\\`-~])/g

  test('are taken out, and nothing else', () => {
    const soup = fc
      .array(
        fc.constantFrom('\x1b', '[', ']', '0', ';', 'm', 'P', '\\', '\x07', ' ', 'a', '(', '52', 'é', '?'),
        {
          maxLength: 20,
        },
      )
      .map((tokens) => tokens.join(''))
    fc.assert(
      fc.property(soup, (text) => {
        expect(withoutEscapes(text)).toBe(text.replace(ESCAPES, ''))
      }),
      SEEDED,
    )
  })
})

describe('a line of 100 MB', () => {
  test('comes in flagged parts, and the catalogue goes over it', () => {
    const chunk = bytesOf('0'.repeat(1 << 20))
    const scanner = new FailureScanner({ found: () => {} })
    scanner.push('[    1.000000] BUG: scheduling while atomic: sh/77/0x1')
    let length = 0
    for (const { text, repair } of demultiplex(Buffer.concat(new Array(100).fill(chunk)), [], false)) {
      scanner.push(text)
      length += text.length
      expect(repair?.how).toContain(length === 100 << 20 ? 'unended' : 'part')
      expect(text.length).toBeLessThanOrEqual(64 * 1024)
    }
    expect(length).toBe(100 << 20)
  })

  test('does not fill the memory of a console', () => {
    const console = new Console('DomU')
    const text = 'x'.repeat(64 << 10)
    for (let at = 0; at < 4096; at++) console.push({ domain: 'DomU', text, at })
    expect(console.printed).toBe(4096)
    expect(console.lines.length).toBeLessThanOrEqual(2048)
    expect(console.line(4095)?.at).toBe(4095)
  })
})

test('no line makes the catalogue slow, a failure open or not', () => {
  const fills = [
    '0',
    'f',
    'a<',
    'a::',
    'a as ',
    ' 0',
    '[<0',
    '[    1.000000] ',
    'fn+0x1/0x2 ',
    '\\',
    '-> #0 ',
    ' for more than',
  ]
  for (const fill of fills) {
    for (const begun of ['', 'BUG: ', 'WARNING: ', 'UBSAN: ', 'INFO: task ', 'a']) {
      const scanner = new FailureScanner({ found: () => {} })
      scanner.push('[    1.000000] BUG: scheduling while atomic: sh/77/0x1')
      const began = process.cpuUsage()
      scanner.push(begun + fill.repeat((64 << 10) / fill.length))
      scanner.end()
      const { user } = process.cpuUsage(began)
      expect(user, `µs for ${begun}${fill}…`).toBeLessThan(500_000)
    }
  }
})
