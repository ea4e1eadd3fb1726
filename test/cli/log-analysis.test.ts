// SPDX-License-Identifier: Apache-2.0
/** What `guestrig explain` makes of a raw log of a UART that Xen shares. */
import { describe, expect, test } from 'vitest'
import { type Analysis, analyse } from '../../harness/cli/log-analysis.ts'
import { BOOTED, bytesOf, throughConsoleIo, throughVpl011 } from '../console/wires.ts'

/** As a file is read: in chunks, wherever they end. */
async function analysed(log: string, chunk = 1000): Promise<Analysis> {
  const bytes = bytesOf(log)
  async function* chunks() {
    for (let at = 0; at < bytes.length; at += chunk) yield bytes.subarray(at, at + chunk)
  }
  return await analyse(chunks())
}

const PLACE = `drivers/${'deep/'.repeat(20)}foo.c:77`
const warning = (fn: string) => [
  '[    1.000001] ------------[ cut here ]------------',
  // Longer than Xen's pieces, so that the function's name is in the second one.
  `[    1.000002] WARNING: CPU: 1 PID: 77 at ${PLACE} ${fn}+0x1c/0x80`,
  '[    1.000003] Call trace:',
  `[    1.000004]  ${fn}+0x1c/0x80`,
  '[    1.000005] ---[ end trace 0000000000000000 ]---',
]

describe('a log of a UART that Xen shares', () => {
  const domU = warning('foo_run').flatMap((line) => throughVpl011(1, `${line}\r\n`))
  const other = warning('bar_run').flatMap((line) => throughConsoleIo(2, `${line}\r\n`))
  const dom0 = warning('baz_run').map((line) => `${line}\r\n`)
  const titles = ({ failures }: Analysis) => failures.map(({ domain, title }) => `${domain}: ${title}`)

  test('pieces are joined, and each domain has its own failures, however they take turns', async () => {
    const turns = domU.flatMap((line, index) => [line, other[index] ?? '', dom0[index] ?? ''])
    const analysis = await analysed(BOOTED + turns.join(''))
    expect(titles(analysis).sort()).toEqual([
      'DOM0: WARNING in baz_run',
      'DOM1: WARNING in foo_run',
      'DOM2: WARNING in bar_run',
    ])
    expect(analysis.failures.find(({ domain }) => domain === 'DOM1')).toMatchObject({
      complete: true,
      report: warning('foo_run'),
    })
  })

  test("lines have the numbers of the log's own, wherever the chunks end", async () => {
    const log = `${BOOTED}${domU.join('')}(XEN) Xen WARN at arch/arm/gic.c:12\r\n`
    const expected = {
      // The banner; five lines, one of them in two pieces; Xen's.
      lines: 8,
      failures: [
        { title: 'WARNING in foo_run', domain: 'DOM1', first: 2, last: 7 },
        { title: 'Xen WARN at arch/arm/gic.c', domain: 'Xen', first: 8, last: 8 },
      ],
    }
    expect(await analysed(log)).toMatchObject(expected)
    expect(await analysed(log, 1)).toMatchObject(expected)
    expect((await analysed(log.slice(0, -2))).lines).toBe(8)
  })

  test('one that begins in the middle of a run, and one that is longer than what is looked at first', async () => {
    expect(titles(await analysed(domU.slice(1).join('')))).toEqual(['DOM1: WARNING in foo_run'])
    const long = `${BOOTED}${'(XEN) noise\r\n'.repeat(100_000)}${domU.join('')}`
    expect(titles(await analysed(long, 65_536))).toEqual(['DOM1: WARNING in foo_run'])
  })

  test('one of a single Linux is none', async () => {
    const analysis = await analysed(
      `${warning('foo_run').join('\r\n')}\r\n[    2.000000] says (XEN) DOM1: x\r\n`,
    )
    expect(analysis).toMatchObject({
      lines: 6,
      failures: [{ title: 'WARNING in foo_run', domain: '', first: 1, last: 5 }],
    })
  })
})
