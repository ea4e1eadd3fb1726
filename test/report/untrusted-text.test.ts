// SPDX-License-Identifier: Apache-2.0
/** What a guest prints moves no cursor, sets no clipboard and turns no text, wherever it is shown. */
import { describe, expect, test } from 'vitest'
import { failuresOf, plainJson, printable } from '../../harness/console/index.ts'
import { junitReport } from '../../harness/report/index.ts'
import { demultiplex } from '../console/wires.ts'

/** Each with what a terminal would do. */
const ATTACKS: Record<string, string> = {
  'a lone ESC': 'a\x1bb',
  'a control sequence': 'a\x1b[2Jb',
  'one without its end': 'a\x1b[31',
  'the clipboard (OSC 52)': 'a\x1b]52;c;ZWNobyBoaQ==\x07b',
  'the clipboard, ended by ST': 'a\x1b]52;c;ZWNobyBoaQ==\x1b\\b',
  'the clipboard, without an end': 'a\x1b]52;c;ZWNobyBoaQ==',
  'a bell': 'a\x07b',
  'C1 control characters': 'a\u009b2Jb\u009d52;c;eA==\u009c\u0090q\u009c',
  'C1 bytes': 'a\u009b2Jb',
  'a carriage return': 'good\rbad',
  'a backspace': 'a\b\b\bb',
  'directions of writing': 'a\u202eb\u202c\u2066c\u2069\u200f\u061cd',
  'line ends of Unicode': 'a\u2028b\u2029c\u0085d',
}

const OBEYED = /[^\P{Cc}\n\t]|[\p{Bidi_Control}\u2028\u2029]/u

describe.each(Object.entries(ATTACKS))('%s', (name, attack) => {
  const encoding = name === 'C1 bytes' ? 'latin1' : 'utf8'
  const wire = Buffer.from(
    [
      `[    1.000000] WARNING: CPU: 1 PID: 77 at a.c:3 foo_run+0x4/0x10 ${attack}`,
      `[    1.000001]  foo_run+0x4/0x10 ${attack}`,
      `[    1.000002] Kernel panic - not syncing: ${attack}`,
      `[    2.000000] BUG: ${attack}`,
      '',
    ].join('\n'),
    encoding,
  )
  const failures = failuresOf(demultiplex(wire, [], false).map(({ text }) => text))
  const said = failures.map(({ title, report }) => [title, ...report].join('\n')).join('\n')

  test('comes from the wire into a report', () => {
    expect(failures.map(({ title }) => title)).toContain('WARNING in foo_run')
  })

  test('is not obeyed by a terminal', () => {
    expect(printable(said)).not.toMatch(OBEYED)
  })

  test('nor in JSON, which still says the same', () => {
    const json = plainJson({ said, failures })
    expect(json).not.toMatch(OBEYED)
    expect(JSON.parse(json)).toEqual(JSON.parse(JSON.stringify({ said, failures })))
  })

  test('nor in the XML of JUnit, in which it is no markup either', async () => {
    const result = {
      ...{
        file: 'a.scenario.ts',
        name: 'a',
        platform: 'virt',
        verdict: 'crash' as const,
        durationMs: 1,
        bootMs: 1,
      },
      ...{
        restored: false,
        attempts: 1,
        signature: 'crash: x',
        message: `${said}\n]]></failure><b>&]]></failure><b>`,
      },
      ...{ measurements: [], artifacts: { dir: '/x' } },
    }
    const xml = await junitReport([result])
    expect(xml).not.toMatch(OBEYED)
    expect(xml.replace(/<!\[CDATA\[.*?\]\]>/gs, '')).not.toMatch(/<b>/)
  })
})
