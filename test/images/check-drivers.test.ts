// SPDX-License-Identifier: Apache-2.0
// What `guestrig drivers` makes of a driver that the compiler complains of. Needs the default kernel, as the tests of boards do.

import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { checkDrivers, locateImages } from '../../images/index.ts'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'guestrig-drivers-'))
})
afterEach(() => rm(folder, { recursive: true }))

async function driver(name: string, body: string): Promise<void> {
  await mkdir(join(folder, name))
  await writeFile(join(folder, name, 'Kbuild'), `obj-m := ${name}.o\n`)
  const module = 'MODULE_LICENSE("GPL");\nMODULE_DESCRIPTION("test");\n'
  await writeFile(join(folder, name, `${name}.c`), `#include <linux/module.h>\n${body}\n${module}`)
}

it('complaints are told apart by driver, and nothing is left in the sources', {
  timeout: 60_000,
}, async () => {
  await driver('fine', 'static int __init fine(void) { return 0; }\nmodule_init(fine);')
  await driver('sloppy', 'static int __init sloppy(void) { int unused; return 0; }\nmodule_init(sloppy);')
  await driver('wrong', 'this is not C')
  const { kernel } = await locateImages()
  const checks = []
  for await (const check of checkDrivers(kernel.buildTree ?? '', folder)) checks.push(check)
  expect(checks.map(({ driver }) => driver)).toEqual(['fine', 'sloppy', 'wrong'])
  expect(checks[0]?.complaints).toEqual([])
  expect(checks[1]?.complaints.join('\n')).toMatch(
    /drivers\/sloppy\/sloppy\.c:2:\d+: warning: unused variable/,
  )
  expect(checks[2]?.complaints.join('\n')).toMatch(/drivers\/wrong\/wrong\.c:2:\d+: error/)
  expect((await readdir(join(folder, 'sloppy'))).sort()).toEqual(['Kbuild', 'sloppy.c'])
})
