// SPDX-License-Identifier: Apache-2.0
/** The lines of the source in reports of a kernel and a module that are built here, small as they are. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { GuestCrash } from '../../harness/console/index.ts'
import { withCrashLines } from '../../harness/scenario/crash-lines.ts'
import { Symbols, withSourceLines } from '../../images/index.ts'

let root: string
let vmlinux: string
let module: string
let stripped: string

const build = (source: string, output: string, ...flags: string[]) =>
  execa('aarch64-linux-gnu-gcc', ['-O0', '-ffreestanding', '-nostdlib', ...flags, source, '-o', output])

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'guestrig-lines-'))
  const source = join(root, 'a.c')
  await writeFile(source, 'void bar(void);\nvoid foo_run(void)\n{\n  bar();\n}\nvoid bar(void)\n{\n}\n')
  vmlinux = join(root, 'vmlinux')
  module = join(root, 'my-foo.ko')
  stripped = join(root, 'stripped')
  await Promise.all([
    build(source, vmlinux, '-g', '-static', `-Wl,-Ttext=0x${LINKED.toString(16)},-e,foo_run`),
    build(source, module, '-g', '-c'),
    build(source, stripped, '-c'),
  ])
})

afterAll(() => rm(root, { recursive: true }))

/** Where foo_run() is linked to, the first function. */
const LINKED = 0xffff_8000_8001_0000n
/** After its call of bar(). */
const RETURN = 12

describe('a report gets the lines of its source', () => {
  test('for the functions of the kernel and of modules, callers and the program counter', async () => {
    const symbols = await Symbols.open(vmlinux, [module])
    const report = [
      'pc : bar+0x0/0x8 [my_foo]',
      'lr : foo_run+0xc/0x14 [my_foo]',
      ' foo_run+0xc/0x14',
      ' [<0000000000000000>] foo_run+0xc/0x14 (P)',
      ' foo_run+0xc/0x14 [other]',
      ' baz+0xc/0x14',
    ]
    expect(await withSourceLines(report, symbols)).toEqual([
      expect.stringMatching(/^pc : bar\+0x0\/0x8 \[my_foo\] \S*a\.c:[78]$/),
      expect.stringMatching(/^lr : foo_run\+0xc\/0x14 \[my_foo\] \S*a\.c:4$/),
      expect.stringMatching(/^ foo_run\+0xc\/0x14 \S*a\.c:4$/),
      expect.stringMatching(/\] foo_run\+0xc\/0x14 \S*a\.c:4 \(P\)$/),
      report[4],
      report[5],
    ])
  })

  test.each([0n, 0x2f5d_8a20_0000n])(
    'for addresses without a name, wherever the kernel was moved: %x',
    async (moved) => {
      const at = (LINKED + moved + BigInt(RETURN)).toString(16)
      const report = [
        `pc : 0x${at}`,
        ` [<${at}>]`,
        `x0 : ${at}`,
        'sp : ffff800081234560',
        ...(moved ? [`Kernel Offset: 0x${moved.toString(16)} from 0xffff800080000000`] : []),
      ]
      const [counter, caller, , data] = await withSourceLines(report, await Symbols.open(vmlinux))
      expect(counter).toMatch(new RegExp(`^pc : 0x${at} foo_run \\S*a\\.c:5$`))
      expect(caller).toMatch(new RegExp(`^ \\[<${at}>\\] foo_run \\S*a\\.c:4$`))
      expect(data).toBe(report[3])
    },
  )
})

describe("a run's crash", () => {
  const crash = () =>
    new GuestCrash({
      ...{ kind: 'warning', title: 'WARNING in foo_run', domain: 'DomU', complete: true },
      report: [' foo_run+0xc/0x14', ' foo_run+0xc/0x14 [my_foo]'],
    })
  const kernel = (files: { vmlinux?: string; modules: Record<string, string> }) => ({
    ...{ image: '', release: '', id: '', label: '' },
    ...files,
  })

  test('has them in its report and message, as far as there is debug info', async () => {
    const whole = (await withCrashLines(
      crash(),
      kernel({ vmlinux, modules: { 'my-foo': module } }),
    )) as GuestCrash
    expect(whole.failure.report.every((line) => /a\.c:4$/.test(line))).toBe(true)
    expect(whole.message).toMatch(/DomU crashed: WARNING in foo_run\n.*a\.c:4\n.*a\.c:4$/)
    const part = await withCrashLines(crash(), kernel({ vmlinux: stripped, modules: { 'my-foo': module } }))
    expect((part as GuestCrash).failure.report).toEqual([
      ' foo_run+0xc/0x14',
      expect.stringMatching(/a\.c:4$/),
    ])
  })

  test('is left as it is where there is none, and so is any other error', async () => {
    const plain = crash()
    expect(await withCrashLines(plain, kernel({ vmlinux: stripped, modules: {} }))).toBe(plain)
    expect(await withCrashLines(plain, kernel({ vmlinux: '/nonexistent', modules: {} }))).toBe(plain)
    expect(await withCrashLines(plain, undefined)).toBe(plain)
    const other = new Error('x')
    expect(await withCrashLines(other, kernel({ vmlinux, modules: {} }))).toBe(other)
  })
})
