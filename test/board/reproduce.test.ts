// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { writeReproducer } from '../../harness/board/index.ts'

const run = promisify(execFile)

let dir: string

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'guestrig-reproduce-'))
})

afterAll(() => rm(dir, { recursive: true }))

/** The script of a machine whose "QEMU" prints its arguments, one a line. */
async function scriptOf(args: string[], leftOut: string[]): Promise<{ text: string; printed: string[] }> {
  await writeReproducer({ command: ['printf', '%s\n'], args, uarts: [], wires: [], dir, leftOut })
  const script = join(dir, 'reproduce.sh')
  const { stdout } = await run(script, ['more'])
  return { text: await readFile(script, 'utf8'), printed: stdout.trimEnd().split('\n') }
}

test('the script runs the command with every argument as it was, and those that it is given itself', async () => {
  const args = ['-append', "a 'quoted' $word", '-device', '{"driver":"virtio-net-pci"}']
  expect((await scriptOf(args, [])).printed).toEqual([...args, 'more'])
})

test('it names the device models that it leaves out', async () => {
  const { text, printed } = await scriptOf(['-nodefaults'], ['00:03.0', 'pcie@10000000'])
  expect(text.match(/^# Left out: .*$/gm)).toEqual([
    '# Left out: 00:03.0, a device model that needs guestrig.',
    '# Left out: pcie@10000000, a device model that needs guestrig.',
  ])
  expect(printed).toEqual(['-nodefaults', 'more'])
})
