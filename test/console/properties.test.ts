// SPDX-License-Identifier: Apache-2.0
/** What must hold of the demultiplexer whatever comes: never a throw, never an unflagged invention, the same lines however the bytes come in. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { ConsoleLine } from '../../harness/console/index.ts'
import { BOOTED, bytesOf, demultiplex, textsOf, throughConsoleIo, throughVpl011 } from './wires.ts'

/** The same cases in every run. */
const SEEDED = { seed: 4, numRuns: 400 }

/** What can be printed without looking like a mark; long enough to be cut, often just about. */
const text = (characters: string) =>
  fc.oneof(
    fc.string({ unit: fc.constantFrom(...characters), maxLength: 60 }),
    fc
      .tuple(
        fc.constantFrom(...characters),
        fc.oneof(fc.integer({ min: 120, max: 130 }), fc.integer({ min: 245, max: 260 })),
      )
      .map(([character, length]) => character.repeat(length)),
  )
const STAMPED = fc
  .tuple(fc.integer({ min: 0, max: 99_999_999 }), text('ab é'))
  .map(
    ([micros, said]) =>
      `[${String(Math.floor(micros / 1e6)).padStart(5)}.${String(micros % 1e6).padStart(6, '0')}] ${said}`,
  )
const anyText = fc.oneof(text('ab :é'), STAMPED)
const latin1 = (said: string) => Buffer.from(said).toString('latin1')

/** What happens on the wire: Xen or a domU prints a line, or the next few bytes of dom0's come. */
type Step = { who: 'xen' | 1 | 2 | 3; said: string } | { who: 0; bytes: number }
const STEPS = fc.array(
  fc.oneof(
    fc.record({ who: fc.constant('xen' as const), said: text('ab') }),
    fc.record({ who: fc.constantFrom(1 as const, 2 as const), said: anyText }),
    fc.record({ who: fc.constant(3 as const), said: STAMPED.map((said) => said.replaceAll('é', 'e')) }),
    fc.record({ who: fc.constant(0 as const), bytes: fc.integer({ min: 1, max: 40 }) }),
  ),
  { maxLength: 40 },
)
const DOM0 = fc.array(anyText, { maxLength: 12 })
const XEN_STAMP = fc.constantFrom(
  '',
  '[2024-01-01 00:00:00] ',
  '[2024-01-01 00:00:00.000] ',
  '[    1.234567] ',
  `[${'0'.repeat(15)}a] `,
)
const CUTS = fc.array(fc.integer({ min: 0, max: 60 }), { maxLength: 60 })

interface Wire {
  bytes: Buffer
  /** What each printed, in its order. */
  said: Record<string, string[]>
}

/**
 * A wire as Xen fills it: pieces of domUs that take turns, and dom0's bytes torn at any of them. `shuffle`: how the pieces of domUs are
 * mixed.
 */
function wireOf(steps: Step[], dom0: string[], stamp: string, order: number[]): Wire {
  const said: Record<string, string[]> = {
    Xen: [BOOTED.slice('(XEN) '.length, -2)],
    dom0: dom0,
    dom1: [],
    dom2: [],
    dom3: [],
  }
  const raw = dom0.map((line) => `${latin1(line)}\r\n`).join('')
  const queues: string[][] = [[], [], []]
  let sent = 0
  let wire = BOOTED
  const flush = (queue: number, count: number) => {
    wire += (queues[queue] ?? []).splice(0, count).join('')
  }
  for (const [index, step] of steps.entries()) {
    if (step.who === 0) {
      wire += raw.slice(sent, sent + step.bytes)
      sent += step.bytes
    } else if (step.who === 'xen') {
      said.Xen?.push(step.said)
      wire += `(XEN) ${stamp}${step.said}\r\n`
    } else {
      said[`dom${step.who}`]?.push(step.said)
      const line = `${latin1(step.said)}\r\n`
      const printed = step.who === 3 ? throughConsoleIo(3, line) : throughVpl011(step.who, line, stamp)
      queues[step.who - 1]?.push(...printed)
    }
    const next = order[index % Math.max(1, order.length)] ?? 0
    flush(next % 3, 1 + (next >> 2))
  }
  for (const queue of [0, 1, 2]) flush(queue, Number.POSITIVE_INFINITY)
  return { bytes: bytesOf(wire + raw.slice(sent)), said }
}

const WIRE = fc
  .tuple(STEPS, DOM0, XEN_STAMP, fc.array(fc.nat(11), { maxLength: 10 }))
  .map(([steps, dom0, stamp, order]) => wireOf(steps, dom0, stamp, order))

/** The unflagged lines of each domain that it did not print, or not in that order. */
function inventions(lines: ConsoleLine[], said: Record<string, string[]>): string[] {
  const next: Record<string, number> = {}
  return lines.flatMap(({ domain, text, repair }) => {
    if (repair) return []
    const index = said[domain]?.indexOf(text, next[domain] ?? 0) ?? -1
    if (index === -1) return [`${domain}: ${text}`]
    next[domain] = index + 1
    return []
  })
}

/** Everything but what a lost line end costs. */
const domains = (said: Record<string, string[]>, lines: ConsoleLine[]) =>
  Object.fromEntries(Object.keys(said).map((domain) => [domain, textsOf(lines, domain)]))

describe("a wire of Xen's, two vpl011 domUs, one with console_io, and dom0's raw bytes", () => {
  test('gives back what each printed, in its order, however they take turns and tear dom0', () => {
    fc.assert(
      fc.property(WIRE, ({ bytes, said }) => {
        const lines = demultiplex(bytes)
        expect(domains(said, lines)).toEqual(said)
        expect(inventions(lines, said)).toEqual([])
      }),
      SEEDED,
    )
  })

  test('gives the same lines however the bytes come in, one at a time too', () => {
    fc.assert(
      fc.property(WIRE, CUTS, ({ bytes }, cuts) => {
        const whole = demultiplex(bytes)
        expect(demultiplex(bytes, cuts)).toEqual(whole)
        expect(demultiplex(bytes, new Array(bytes.length).fill(1))).toEqual(whole)
      }),
      { ...SEEDED, numRuns: 60 },
    )
  })

  test('cut at every byte: what is whole is as printed, and the rest is flagged', () => {
    fc.assert(
      fc.property(WIRE, ({ bytes, said }) => {
        for (let length = 0; length < bytes.length; length += 1 + Math.floor(bytes.length / 400)) {
          expect(inventions(demultiplex(bytes.subarray(0, length)), said)).toEqual([])
        }
      }),
      { ...SEEDED, numRuns: 25 },
    )
  })

  test('in any mixture of line ends', () => {
    const ends = fc.array(fc.constantFrom('\n', '\r\n', '\r\r\n'), { minLength: 1, maxLength: 8 })
    fc.assert(
      fc.property(WIRE, ends, ({ bytes, said }, mixture) => {
        let line = 0
        const mixed = bytes
          .toString('latin1')
          .replace(/\r+\n/g, () => mixture[line++ % mixture.length] ?? '\n')
        expect(inventions(demultiplex(bytesOf(mixed)), said)).toEqual([])
      }),
      SEEDED,
    )
  })

  test('a byte that is lost costs the lines around it, and no others', () => {
    fc.assert(
      fc.property(WIRE, fc.array(fc.nat(), { minLength: 1, maxLength: 5 }), ({ bytes, said }, lost) => {
        const gone = new Set(lost.map((offset) => offset % Math.max(1, bytes.length)))
        const lines = demultiplex(Buffer.from(bytes.filter((_, offset) => !gone.has(offset))))
        // The line itself, in up to three pieces that no longer join, and one line on each side.
        expect(inventions(lines, said).length).toBeLessThanOrEqual(5 * gone.size)
        const before = Object.values(said).flat()
        const after = new Set(lines.map(({ text }) => text))
        expect(before.filter((line) => !after.has(line)).length).toBeLessThanOrEqual(5 * gone.size)
      }),
      SEEDED,
    )
  })
})

describe('a domain whose programs print while its kernel does', () => {
  /** Each a program's next few bytes, or a line of printk's. */
  const steps = fc.array(fc.oneof(fc.integer({ min: 1, max: 40 }), text('ab ')), { maxLength: 40 })
  const programs = fc.array(text('ab :é'), { maxLength: 12 })

  test.each([
    ['on a UART of its own', false],
    ['through Xen', true],
  ])('%s: both come whole and in order', (_, throughXen) => {
    fc.assert(
      fc.property(steps, programs, (turns, lines) => {
        const raw = lines.map((line) => `${latin1(line)}\r\n`).join('')
        const kernel = ['[    0.000000] Booting']
        let [stream, sent] = [`${kernel[0]}\r\n`, 0]
        for (const turn of turns) {
          if (typeof turn === 'number') {
            stream += raw.slice(sent, sent + turn)
            sent += turn
          } else {
            kernel.push(`[${(kernel.length / 8).toFixed(6).padStart(12)}] ${turn}`)
            stream += `${kernel.at(-1)}\r\n`
          }
        }
        stream += raw.slice(sent)
        const wire = throughXen ? throughVpl011(1, stream).join('') : stream
        const came = demultiplex(bytesOf(wire), [], throughXen)
        const isKernels = ({ guestTime }: ConsoleLine) => guestTime !== undefined
        expect(came.filter(isKernels).map((line) => line.text)).toEqual(kernel)
        expect(came.filter((line) => !isKernels(line)).map((line) => line.text)).toEqual(lines)
      }),
      SEEDED,
    )
  })
})

const TOKENS = [
  ...[
    '(XEN) ',
    '(XEN)',
    'DOM1: ',
    'DOM2: ',
    '(d1) ',
    '(d2v0) ',
    '\r',
    '\n',
    '\r\n',
    '\n',
    'x'.repeat(126),
    'y'.repeat(125),
  ],
  ...[
    '\0',
    '\x1b[1m',
    '\x1b',
    '\xff',
    '\xc3\xa9',
    '\xc3',
    '[    1.000000] ',
    '[2024-01-01 00:00:00] ',
    'abc',
    '(',
    '<4>',
    ' ',
  ],
  ...[
    '*** Serial input to DOM1 (type',
    '*** Serial input to DOM0',
    '*** Serial input to Xen',
    'z'.repeat(300),
  ],
]

describe('anything at all', () => {
  const soup = fc.oneof(
    fc.array(fc.constantFrom(...TOKENS), { maxLength: 60 }).map((tokens) => bytesOf(tokens.join(''))),
    fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
  )

  test.each([
    ['a shared wire', true],
    ['a wire of one', false],
  ])(
    '%s: never throws, gives the same lines however the bytes come in, and knows where they stood',
    (_, shared) => {
      fc.assert(
        fc.property(soup, CUTS, (bytes, cuts) => {
          const whole = demultiplex(bytes, [], shared)
          expect(demultiplex(bytes, cuts, shared)).toEqual(whole)
          expect(demultiplex(bytes, new Array(bytes.length).fill(1), shared)).toEqual(whole)
          const claimed = new Uint8Array(bytes.length)
          for (const { from = -1, to = -1, repair } of whole) {
            for (const [begin, end] of repair?.spans ?? [[from, to] as const]) {
              expect(begin).toBeGreaterThanOrEqual(from)
              expect(end).toBeLessThanOrEqual(to)
              for (let offset = begin; offset < end; offset++) claimed[offset] = (claimed[offset] ?? 0) + 1
            }
          }
          // No byte is lost, and none is used twice but by a line that printk tore and the one in its middle.
          expect(claimed.every((times) => times === 1 || times === 2)).toBe(true)
        }),
        SEEDED,
      )
    },
  )

  test('lines longer than are kept whole: parts are flagged, and the same however the bytes come in', () => {
    const long = fc.array(fc.constantFrom(...TOKENS, 'w'.repeat(30_000), 'é'.repeat(30_000)), {
      maxLength: 12,
    })
    fc.assert(
      fc.property(long, fc.array(fc.integer({ min: 1, max: 50_000 }), { maxLength: 8 }), (tokens, cuts) => {
        const bytes = Buffer.from(tokens.join(''))
        const whole = demultiplex(bytes)
        expect(demultiplex(bytes, cuts)).toEqual(whole)
        for (const line of whole) expect(line.text.length).toBeLessThanOrEqual(2 * 64 * 1024)
      }),
      { ...SEEDED, numRuns: 100 },
    )
  })
})
