// SPDX-License-Identifier: Apache-2.0
/** `guestrig explain`, as a person calls it. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const GUESTRIG = join(import.meta.dirname, '../../bin/guestrig.mjs')

let root: string

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'guestrig-explain-'))
})

afterAll(() => rm(root, { recursive: true }))

const explain = (args: string[], input = '') =>
  // A CI would bring colours.
  execa(process.execPath, [GUESTRIG, 'explain', ...args], { reject: false, input, env: { NO_COLOR: '1' } })

/** Prints one function's trace; colours, as systemd has them, and an attempt to set the terminal's title. */
const logOf = (place: string): string =>
  [
    '[    1.000000] fine',
    `[    1.000001] \u001b[31mWARNING: CPU: 1 PID: 77 at a.c:3 ${place}\u001b[0m`,
    '[    1.000002] Call trace:\u0007\u009b2J',
    `[    1.000003]  ${place}`,
    '[    1.000004] ---[ end trace 0000000000000000 ]---',
    '[    1.000005] fine',
  ].join('\r\n')

describe('guestrig explain', () => {
  test('says what failed, and ends with status 1; no escape sequence reaches the terminal', async () => {
    const log = join(root, 'log')
    await writeFile(log, logOf('foo_run+0x4/0x10'))
    const { stdout, exitCode } = await explain([log])
    expect(exitCode).toBe(1)
    expect(stdout).toContain('WARNING in foo_run')
    expect(stdout).toMatch(/warning · guilty: foo_run · lines 2–5 · complete/)
    expect(stdout).not.toMatch(/[\u0007\u001b\u009b\r]/)
  })

  test('gives the same as JSON, from standard input', async () => {
    const { stdout, exitCode } = await explain(['-', '--json'], logOf('foo_run+0x4/0x10'))
    expect(exitCode).toBe(1)
    expect(stdout).not.toContain('\u009b')
    expect(JSON.parse(stdout)).toMatchObject({
      lines: 6,
      failures: [
        { kind: 'warning', title: 'WARNING in foo_run', frame: 'foo_run', complete: true, first: 2, last: 5 },
      ],
    })
  })

  test('a log without a failure: status 0', async () => {
    expect(await explain(['-'], 'fine\n')).toMatchObject({ exitCode: 0, stdout: 'no failure in 1 lines' })
  })

  test.each([[[]], [['/nonexistent']], [['/']], [['-', '--nonsense']], [['-', '--module', 'a.ko']]])(
    'wrong usage: %j',
    async (args) => {
      expect((await explain(args)).exitCode).toBe(129)
    },
  )

  test('with symbols, a function gets the line of its source', async () => {
    const source = join(root, 'a.c')
    await writeFile(source, 'void bar(void);\nvoid foo_run(void)\n{\n  bar();\n}\nvoid bar(void)\n{\n}\n')
    const build = (output: string, ...flags: string[]) =>
      execa('aarch64-linux-gnu-gcc', ['-O0', ...flags, '-c', source, '-o', output])
    const debug = join(root, 'foo.ko')
    const stripped = join(root, 'stripped.o')
    await Promise.all([build(debug, '-g'), build(stripped)])
    const log = logOf('foo_run+0xc/0x14 [foo]')
    const { stdout } = await explain(['-', '--vmlinux', debug, '--module', debug], log)
    expect(stdout).toMatch(/foo_run\+0xc\/0x14 \[foo\] \S*a\.c:4/)
    const refused = await explain(['-', '--vmlinux', stripped], log)
    expect(refused.exitCode).toBe(125)
    expect(refused.stderr).toMatch(/has no debug info[\s\S]*→ build it with CONFIG_DEBUG_INFO/)
  })
})
