// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { FailureScanner, failuresOf, XEN } from '../../harness/console/index.ts'
import { HARMLESS, SAMPLES as LINUX_SAMPLES, type Sample, XEN_SAMPLES } from './failures.ts'
import { MORE_HARMLESS, MORE_SAMPLES } from './failures-beside-linux.ts'

const SAMPLES = [...LINUX_SAMPLES, ...MORE_SAMPLES]

const stamped = (lines: readonly string[], seconds = 12): string[] =>
  lines.map((line, index) => `[${`${seconds}.${String(100_000 + index).slice(-6)}`.padStart(12)}] ${line}`)

describe('every kind is found, with its title', () => {
  test.each(SAMPLES)('$kind: $title', ({ kind, title, lines }) => {
    const [first, ...others] = failuresOf(stamped(lines), 'DomU')
    expect(first).toMatchObject({ kind, title, domain: 'DomU' })
    expect(others).toEqual([])
  })

  test.each(XEN_SAMPLES)('$kind: $title', ({ kind, title, lines }) => {
    const [first, ...others] = failuresOf(lines, XEN)
    expect(first).toMatchObject({ kind, title, domain: XEN })
    expect(others).toEqual([])
  })
})

describe('what only looks like a failure is none', () => {
  test.each([...HARMLESS, ...MORE_HARMLESS])('%s', (line) => {
    expect(failuresOf([line, ...stamped([line])])).toEqual([])
  })

  test("Xen's failures are not looked for in a guest, nor a guest's in Xen", () => {
    for (const { lines } of XEN_SAMPLES) expect(failuresOf(lines, 'DomU')).toEqual([])
    for (const { lines } of SAMPLES) expect(failuresOf(lines, XEN)).toEqual([])
  })
})

/** A sample as it might be in another run: other times, processors, processes and addresses, printed in another way. */
function another(
  { lines }: Sample,
  seed: { hex: string; cpu: number; pid: number; seconds: number; caller: boolean },
): string[] {
  const changed = lines.map((line) =>
    line
      .replace(/\b(?:0x)?[0-9a-f]{12,16}\b/g, (address) =>
        seed.hex.slice(-address.length).padStart(address.length, 'f'),
      )
      .replace(/\bCPU: \d+/g, `CPU: ${seed.cpu}`)
      .replace(/\bCPU#?\d+/g, (cpu) => cpu.replace(/\d+/, String(seed.cpu)))
      .replace(/\bPID: \d+/g, `PID: ${seed.pid}`)
      .replace(/\bsh([:/])77\b/g, `sh$1${seed.pid}`)
      .replace(/\+0x1c\/0x80/g, `+0x${seed.pid.toString(16)}/0x8000`),
  )
  return stamped(changed, seed.seconds).map((line) =>
    seed.caller ? `<4>${line.replace('] ', `][${`T${seed.pid}`.padStart(6)}] `)}\r` : line,
  )
}

test('a title does not change with addresses, processors, processes, times and the way of printing', () => {
  const seeds = fc.record({
    hex: fc.stringMatching(/^f[0-9a-f]{15}$/),
    cpu: fc.integer({ min: 0, max: 255 }),
    pid: fc.integer({ min: 1, max: 4_000_000 }),
    seconds: fc.integer({ min: 1, max: 99_999 }),
    caller: fc.boolean(),
  })
  fc.assert(
    fc.property(fc.constantFrom(...SAMPLES), seeds, (sample, seed) => {
      expect(failuresOf(another(sample, seed), 'DomU')[0]?.title).toBe(sample.title)
    }),
    { numRuns: 400 },
  )
})

test('no input makes it throw, and what it reports is what was printed', () => {
  const words = SAMPLES.flatMap(({ lines }) => lines)
  const line = fc.oneof(fc.constantFrom(...words), fc.string({ unit: 'binary', maxLength: 80 }))
  fc.assert(
    fc.property(fc.array(line, { maxLength: 60 }), (lines) => {
      for (const { report, first, last } of failuresOf(lines)) {
        expect(report.every((printed) => lines.includes(printed))).toBe(true)
        expect(last).toBeGreaterThanOrEqual(first)
      }
    }),
    { numRuns: 300 },
  )
})

describe('the report', () => {
  const warning = [
    '------------[ cut here ]------------',
    'WARNING: CPU: 1 PID: 77 at drivers/foo.c:12 foo_run+0x1c/0x80',
    'Call trace:',
    ' foo_run+0x1c/0x80',
    '---[ end trace 0000000000000000 ]---',
  ]

  test('is whole, from the cut on, and not one line more', () => {
    const log = stamped(['fine', ...warning, 'fine again', 'and again'])
    const [failure] = failuresOf(log)
    expect(failure).toMatchObject({ first: 2, last: 6, complete: true, frame: 'foo_run' })
    expect(failure?.report).toEqual(log.slice(1, 6))
  })

  test('goes on with the panic that a warning was made into', () => {
    const panic = [
      'Kernel panic - not syncing: kernel: panic_on_warn set ...',
      'Call trace:',
      ' panic+0x1c/0x80',
      '---[ end Kernel panic - not syncing: kernel: panic_on_warn set ... ]---',
    ]
    const failures = failuresOf(stamped([...warning, ...panic, 'after']))
    expect(failures).toHaveLength(1)
    expect(failures[0]).toMatchObject({ title: 'WARNING in foo_run', last: 9 })
  })

  test('of a program begins with what its runtime said, past empty lines', () => {
    const lines = [
      'fine',
      'panic: no',
      '',
      'goroutine 1 [running]:',
      'main.main()',
      '\t/src/main.go:7 +0x1d',
      'fine',
    ]
    expect(failuresOf(lines)[0]?.report.slice(0, 2)).toEqual(['panic: no', 'goroutine 1 [running]:'])
  })

  test('of a torn log is not complete, and the title says so', () => {
    const [failure] = failuresOf(stamped(['BUG: scheduling while atomic: sh/77/0x00000101']))
    expect(failure).toMatchObject({ title: 'BUG: scheduling while atomic in corrupted', complete: false })
  })

  test('with a hole is not complete', () => {
    const lines = [...warning.slice(0, 2), '** 93 printk messages dropped **', ...warning.slice(2)]
    expect(failuresOf(stamped(lines))[0]).toMatchObject({ complete: false })
  })

  test('of two tasks at once are told apart by their callers', () => {
    const by = (caller: string, lines: string[]) => lines.map((line) => `[   12.000001][ ${caller}] ${line}`)
    const one = by('T77', warning)
    const other = by(
      'T78',
      warning.map((line) => line.replaceAll('foo_run', 'bar_run')),
    )
    const mixed = one.flatMap((line, index) => [line, other[index] ?? ''])
    const failures = failuresOf(mixed)
    expect(failures.map(({ title }) => title)).toEqual(['WARNING in foo_run', 'WARNING in bar_run'])
    expect(failures[0]?.report).toEqual(one)
  })

  test('two messages on one line are told apart', () => {
    const [failure] = failuresOf([
      `foo login: ${stamped(['audit: something'])[0]}${stamped(warning)[1]}`,
      ...stamped(warning).slice(2),
    ])
    expect(failure?.title).toBe('WARNING in foo_run')
  })

  test("the sources on Xen's wire are told apart", () => {
    const wire = stamped(warning).map((line) => `(XEN) DOM1: ${line}`)
    wire.splice(2, 0, '(XEN) Xen WARN at arch/arm/gic.c:12')
    expect(failuresOf(wire).map(({ domain, title }) => `${domain}: ${title}`)).toEqual([
      'DOM1: WARNING in foo_run',
      'Xen: Xen WARN at arch/arm/gic.c',
    ])
  })
})

describe('silence', () => {
  const boot = [
    '[    0.000000] Booting Linux on physical CPU 0x0000000000 [0x411fd070]',
    '[    0.000000] Linux version 6.12.1',
  ]

  test('a second banner is a reboot that nobody spoke of', () => {
    const failures = failuresOf([...boot, '[    1.5] up', ...boot, '[    1.5] up'])
    expect(failures).toMatchObject([{ kind: 'silent-reboot', title: 'unexpected kernel reboot', first: 4 }])
  })

  test.each([
    'SeaBIOS (version 1.16.2-debian-1.16.2-1)',
    'U-Boot 2023.01 (Jan 01 2023 - 00:00:00 +0000)',
    'U-Boot SPL 2023.01 (Jan 01 2023 - 00:00:00 +0000)',
    'UEFI firmware (version 2022.11-6 built at 00:00:00 on Jan 01 2023)',
    'Booting the kernel.',
  ])(
    'so is the banner of a firmware after other output, and it is one reboot with that of the kernel: %s',
    (banner) => {
      const once = { kind: 'silent-reboot', title: 'unexpected kernel reboot' }
      expect(failuresOf(['# foo', 'working', banner, ...boot, '[    1.5] up'])).toMatchObject([
        { ...once, first: 3 },
      ])
      expect(failuresOf([banner, ...boot, '[    1.5] up', banner, 'x', ...boot])).toMatchObject([
        { ...once, first: 5 },
      ])
      expect(failuresOf(['$ qemu-system-aarch64 -M virt', banner, ...boot, '[    1.5] up'])).toEqual([])
      expect(failuresOf([...boot, '[    1.5] reboot: Restarting system', banner, ...boot])).toEqual([])
      expect(failuresOf([...boot, `[    1.5] fuse: Unknown parameter '${banner}'`])).toEqual([])
    },
  )

  test('one that was announced, or that a panic explains, is none', () => {
    expect(failuresOf([...boot, '[    1.5] reboot: Restarting system', ...boot])).toEqual([])
    const panicked = failuresOf([...boot, '[    1.5] Kernel panic - not syncing: x', ...boot])
    expect(panicked.map(({ kind }) => kind)).toEqual(['panic'])
  })
})

test('memory does not grow with a report that never ends', () => {
  let longest = 0
  const scanner = new FailureScanner({ found: ({ report }) => (longest = Math.max(longest, report.length)) })
  scanner.push('[    1.000000] BUG: scheduling while atomic: sh/77/0x1')
  for (let line = 0; line < 20_000; line++) scanner.push('[    1.000001]  more of it')
  scanner.end()
  expect(longest).toBeLessThan(3000)
})
