// SPDX-License-Identifier: Apache-2.0
/** Scenario scripts as their writers have them: anywhere on the disk, of several files, and not always right. */
import { mkdtemp, readFile, rm, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { guestrig } from './guestrig.ts'

const DOOR = resolve('harness/index.ts')
let root: string

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'guestrig-scripts-'))
})

afterAll(() => rm(root, { recursive: true }))

const write = (name: string, ...lines: string[]) => writeFile(join(root, name), `${lines.join('\n')}\n`)

test('a script from elsewhere, with a file beside it: failures name their lines in both', async () => {
  await write(
    'mine.scenario.ts',
    `import { expect, scenario } from '${DOOR}'`,
    `import { awaitNever } from './beside.ts'`,
    `scenario('compares', { platform: 'virt' }, async () => {`,
    `  expect({ a: [1, 2] }).toEqual({ a: [1, 3] })`,
    `})`,
    `scenario('waits', { platform: 'virt' }, ({ board }) => awaitNever(board))`,
    `scenario('rejects', { platform: 'virt' }, async ({ board }) => {`,
    `  void Promise.reject(new Error('nobody awaited this'))`,
    `  await board.domain().run('sleep 5')`,
    `})`,
    `scenario('passes', { platform: 'virt' }, async ({ board }) => {`,
    `  expect((await board.domain().run('echo yes')).stdout).toBe('yes\\n')`,
    `})`,
  )
  await write(
    'beside.ts',
    `import { type Board, expect } from '${DOOR}'`,
    `export async function awaitNever(board: Board) {`,
    `  await expect(board.domain().console).toPrint(/never/, { timeout: 100 })`,
    `}`,
  )
  const json = join(root, 'mine.json')
  const file = join(root, 'mine.scenario.ts')
  const run = await guestrig(['run', file, '--json', json, '--workers', '1', '--out', join(root, 'mine')])
  expect(run.exitCode, run.all).toBe(1)
  const { scenarios } = JSON.parse(await readFile(json, 'utf8'))
  const messages = scenarios.map(({ message }: { message: string }) => message)
  expect(scenarios.map(({ verdict }: { verdict: string }) => verdict)).toEqual([
    'fail',
    'fail',
    'error',
    'pass',
  ])
  expect(messages[0]).toMatch(/^- {5}3,\n\+ {5}2,$/m)
  expect(messages[0]).toContain(`at ${file}:4:25`)
  expect(messages[1]).toContain(`at ${join(root, 'beside.ts')}:3:40`)
  expect(messages[2]).toContain('nobody awaited this')
})

test('a script that cannot be compiled, and one that throws, are named; the others run', async () => {
  await write('broken.scenario.ts', `import { expect scenario } from '${DOOR}'`)
  await write('throws.scenario.ts', `import '${DOOR}'`, `throw new Error('not today')`)
  await write(
    'good.scenario.ts',
    `import { scenario } from '${DOOR}'`,
    `scenario('good', { platform: 'virt' }, async () => {})`,
  )
  const files = ['broken', 'throws', 'good'].map((name) => join(root, `${name}.scenario.ts`))
  const run = await guestrig(['run', ...files, '--out', join(root, 'broken')])
  expect(run.exitCode, run.all).toBe(125)
  expect(run.stdout).toMatch(
    /broken\.scenario\.ts cannot be compiled: 1:17 Expected "}" but found "scenario"/,
  )
  expect(run.stdout).toMatch(/throws\.scenario\.ts cannot be loaded: Error: not today/)
  expect(run.stdout).toContain('✓ good [virt]')
  expect(run.stdout).toContain('1 passed, 2 failed')
})

test('a script that is edited is what runs next', async () => {
  const file = join(root, 'edited.scenario.ts')
  const names = async (name: string) => {
    await write(
      'edited.scenario.ts',
      `import { scenario } from '${DOOR}'`,
      `scenario('${name}', { platform: 'virt' }, async () => {})`,
    )
    // Within the granularity of the clock, even.
    await utimes(file, 0, 0)
    const run = await guestrig(['run', file, '--out', join(root, name)])
    expect(run.exitCode, run.all).toBe(0)
    return run.stdout
  }
  expect(await names('once')).toContain('✓ once [virt]')
  expect(await names('more')).toContain('✓ more [virt]')
})

test('a script that is run again is the same; a file beside it that is edited is what runs next', async () => {
  await write(
    'again.scenario.ts',
    `import { expect, scenario } from '${DOOR}'`,
    `scenario('fails', { platform: 'virt' }, async () => expect(1).toBe(2))`,
  )
  const again = join(root, 'again.scenario.ts')
  for (const out of ['again-1', 'again-2']) {
    const run = await guestrig(['run', again, '--out', join(root, out)])
    expect(run.exitCode, run.all).toBe(1)
    expect(run.stdout).toContain('again.scenario.ts:2:')
  }
  await write(
    'named.scenario.ts',
    `import { scenario } from '${DOOR}'`,
    `import { name } from './name.ts'`,
    `scenario(name, { platform: 'virt' }, async () => {})`,
  )
  for (const name of ['before', 'after']) {
    await write('name.ts', `export const name = '${name}'`)
    const run = await guestrig(['run', join(root, 'named.scenario.ts'), '--out', join(root, name)])
    expect(run.stdout, run.all).toContain(`✓ ${name} [virt]`)
  }
})

test('JUnit gets the same results', async () => {
  await write(
    'junit.scenario.ts',
    `import { expect, scenario } from '${DOOR}'`,
    `scenario('is <fine>', { platform: 'virt' }, async () => {})`,
    `scenario('is not', { platform: 'virt' }, async () => expect('\\x1b[1m').toBe('x'))`,
  )
  const file = join(root, 'junit.xml')
  const run = await guestrig([
    ...['run', join(root, 'junit.scenario.ts'), '--junit', file, '--out', join(root, 'junit')],
  ])
  expect(run.exitCode, run.all).toBe(1)
  const xml = await readFile(file, 'utf8')
  expect(xml).toContain('<testsuites tests="2" failures="1" errors="0"')
  expect(xml).toContain('name="is &lt;fine> [virt]"')
  expect(xml).not.toContain('\x1b')
})
