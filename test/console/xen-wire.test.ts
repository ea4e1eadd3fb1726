// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Attributed, XenWire } from '../../harness/console/index.ts'

const attribute = (...lines: string[]): Attributed[] => {
  const wire = new XenWire()
  return [...lines.flatMap((line) => wire.push(line)), ...wire.end()]
}

/** The lines that Xen prints for one line of a vpl011 guest: pieces of 126 characters, the last one shorter. */
function asXenPrints(domid: number, line: string): string[] {
  const pieces = line.match(/.{126}/gs) ?? []
  return [...pieces, line.slice(126 * pieces.length)].map((piece) => `(XEN) DOM${domid}: ${piece}`)
}

describe('XenWire', () => {
  test('tells Xen, vpl011 guests and console_io guests apart', () => {
    expect(
      attribute('(XEN) Std. Loglevel: All', '(XEN) DOM1: [    0.1] hello', '(d2) hi', 'Xen 4.20'),
    ).toEqual([
      { source: 'Xen', text: 'Std. Loglevel: All' },
      { source: 1, text: '[    0.1] hello' },
      { source: 2, text: 'hi' },
      { source: 'Xen', text: 'Xen 4.20' },
    ])
  })

  test('understands a time stamp of Xen before the guest', () => {
    expect(attribute('(XEN) [2026-11-21 10:00:00.123] DOM1: x')).toEqual([{ source: 1, text: 'x' }])
  })

  test('gives what printk says to the domU that has the input focus, for as long as it has it', () => {
    const oops = '(XEN) [    5.1] Internal error: Oops'
    const to = (whom: string) =>
      `(XEN) *** Serial input to ${whom} (type 'CTRL-a' three times to switch input)`
    const sources = attribute(oops, to('DOM1'), oops, '(XEN) Panic on CPU 0:', to('Xen'), oops)
    expect(sources.map(({ source }) => source)).toEqual(['Xen', 'Xen', 1, 'Xen', 'Xen', 'Xen'])
  })

  test('joins the pieces of a long line, with lines of others between them', () => {
    const line = 'a'.repeat(300)
    const [first = '', second = '', third = ''] = asXenPrints(1, line)
    expect(attribute(first, '(XEN) d1v0 noise', second, '(XEN) DOM2: other', third)).toEqual([
      { source: 'Xen', text: 'd1v0 noise' },
      { source: 2, text: 'other' },
      { source: 1, text: line },
    ])
  })

  test('a line of just one full piece ends with an empty one', () => {
    const line = 'b'.repeat(126)
    expect(asXenPrints(1, line)).toHaveLength(2)
    expect(attribute(...asXenPrints(1, line))).toEqual([{ source: 1, text: line }])
  })

  test('gives back what two guests printed, line by line, in any mixture', () => {
    const line = fc.string({ unit: fc.constantFrom('a', 'b', ' '), maxLength: 400 })
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.constantFrom(1, 2), line), { maxLength: 12 }), (printed) => {
        const wire = printed.flatMap(([domid, text]) => asXenPrints(domid, text))
        expect(attribute(...wire)).toEqual(printed.map(([source, text]) => ({ source, text })))
      }),
    )
  })
})
