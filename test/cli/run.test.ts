// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { processesAbout } from '../processes.ts'
import { waitFor } from '../wait-for.ts'
import { guestrig } from './guestrig.ts'

const FIXTURE = 'test/cli/fixtures/verdicts.scenario.ts'
let root: string

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'guestrig-run-'))
})

afterAll(() => rm(root, { recursive: true }))

describe('guestrig run', () => {
  test('one of each: the verdicts, the counts, the results as JSON, and exit status 1', async () => {
    const json = join(root, 'results.json')
    const names = '^(passes|fails|crashes|hangs|errs|prints escapes)'
    const run = await guestrig(['run', FIXTURE, '-t', names, '--out', join(root, 'each'), '--json', json])
    expect(run.exitCode, run.all).toBe(1)
    expect(run.stdout).toContain('1 passed, 6 failed')
    const results = JSON.parse(await readFile(json, 'utf8'))
    expect(results).toMatchObject({
      version: 1,
      totals: { pass: 1, fail: 3, crash: 1, hang: 1, error: 1, flaky: 0 },
    })
    const byName = new Map(results.scenarios.map((s: { name: string }) => [s.name, s]))
    expect(byName.get('crashes [virt]')).toMatchObject({
      verdict: 'crash',
      platform: 'virt',
      file: FIXTURE,
      signature: 'crash: kernel panic: sysrq triggered crash',
    })
    expect(byName.get('fails softly [virt]')).toMatchObject({
      verdict: 'fail',
      message: expect.stringMatching(/the first.*\n(.*\n)*.*the second/),
    })
    expect(byName.get('errs [virt]')).toMatchObject({
      verdict: 'error',
      message: expect.stringContaining('no-such-driver'),
    })
    for (const { artifacts } of results.scenarios) {
      expect(await readdir(artifacts.dir)).toEqual(
        expect.arrayContaining(['uart0.raw', 'console-linux.log', 'reproduce.sh']),
      )
    }
  })

  test("a guest's escape sequences do not reach the terminal", async () => {
    const run = await guestrig(['run', FIXTURE, '-t', '^prints escapes', '--out', join(root, 'escapes')])
    expect(run.exitCode).toBe(1)
    expect(run.stdout).toMatch(/^ +\| red$/m)
    expect(run.stdout).not.toContain('\x1b')
    // The raw bytes have them.
    const [folder = ''] = await readdir(join(root, 'escapes'))
    expect(await readFile(join(root, 'escapes', folder, 'uart0.raw'), 'latin1')).toContain(
      '\x1b[31mred\x1b]0;title\x07',
    )
  })

  test('a warning in the last line of a scenario is no pass', async () => {
    const run = await guestrig(['run', FIXTURE, '-t', '^warns', '--out', join(root, 'warns')])
    expect(run.exitCode, run.all).toBe(1)
    expect(run.stdout).toContain('WARNING in f')
  })

  test('a crash that was wanted and does not come is a failure; another than was wanted is a crash', async () => {
    const json = join(root, 'wanted.json')
    const run = await guestrig([
      ...['run', FIXTURE, '-t', '^wants', '--json', json],
      ...['--out', join(root, 'wanted')],
    ])
    expect(run.exitCode, run.all).toBe(1)
    const { scenarios } = JSON.parse(await readFile(json, 'utf8'))
    expect(scenarios.map(({ verdict }: { verdict: string }) => verdict)).toEqual(['fail', 'crash'])
    expect(scenarios[0].message).toContain('there was no failure with a title like /never/')
    expect(scenarios[1].signature).toBe('crash: kernel panic: sysrq triggered crash')
  })

  test('what could not be tried ends with 125', async () => {
    const run = await guestrig(['run', FIXTURE, '-t', '^errs', '--out', join(root, 'errs')])
    expect(run.exitCode, run.all).toBe(125)
  })

  test('what needs another kernel is skipped, says why, and passes nothing', async () => {
    const json = join(root, 'skipped.json')
    const args = ['run', FIXTURE, '--json', json, '--out', join(root, 'skipped')]
    const both = await guestrig([...args, '-t', '^(passes|needs another kernel)'])
    expect(both.exitCode, both.all).toBe(0)
    expect(both.stdout).toContain('1 passed, 0 failed, 1 skipped')
    expect(both.stdout).toMatch(
      /skip {2}needs another kernel \[virt\]\n +the kernel 6\.12 has no CONFIG_KASAN/,
    )
    const { totals, scenarios } = JSON.parse(await readFile(json, 'utf8'))
    expect(totals).toMatchObject({ pass: 1, skip: 1 })
    expect(scenarios[1]).toMatchObject({ verdict: 'skip', message: 'the kernel 6.12 has no CONFIG_KASAN' })
    const alone = await guestrig([...args, '-t', '^needs another kernel'])
    expect(alone.exitCode, alone.all).toBe(125)
    expect(alone.stdout).toContain('0 passed, 0 failed, 1 skipped')
  })

  test('a need that is no symbol of a kernel is told, and does not skip', async () => {
    const run = await guestrig([
      'run',
      'test/cli/fixtures/no-such-symbol.scenario.ts',
      '--out',
      join(root, 'no'),
    ])
    expect(run.exitCode, run.all).toBe(125)
    expect(run.stdout).toContain("'never runs' needs KASAN: a kernel's symbol is spelt CONFIG_…")
  })

  test('a retry that does not help is no flake', async () => {
    const json = join(root, 'retried.json')
    const run = await guestrig([
      'run',
      FIXTURE,
      '-t',
      '^fails',
      '--retries',
      '1',
      '--json',
      json,
      '--out',
      join(root, 'r'),
    ])
    expect(run.exitCode).toBe(1)
    expect(JSON.parse(await readFile(json, 'utf8')).scenarios[0]).toMatchObject({
      verdict: 'fail',
      attempts: 2,
    })
  })

  test.each<[string, string[], RegExp]>([
    ['an unknown option', ['run', '--nonsense'], /unknown option '--nonsense'[\s\S]*usage: guestrig run/],
    ['an unknown command', ['fly'], /unknown command 'fly'/],
    ['a platform that is none', ['run', '--platform', 'riscv'], /Allowed choices are virt, xen/],
    [
      'a file that is not there',
      ['run', 'no/such.scenario.ts'],
      /there is no scenario file no\/such\.scenario\.ts/,
    ],
    ['a file that is no script', ['run', 'README.md'], /README\.md is no scenario/],
    ['a pattern that is none', ['run', FIXTURE, '-t', '('], /-t '\(' is no pattern/],
    ['a number that is none', ['run', '--workers', 'many'], /a whole number from 1 on/],
    ['a shard out of range', ['run', '--shard', '3/2'], /1 ≤ I ≤ N/],
    [
      'a name that no scenario has',
      ['run', FIXTURE, '-t', 'no such name', '--out', '/tmp/guestrig-none'],
      /no scenario matches/,
    ],
  ])('%s is wrong usage: 129 and one message', async (_, args, message) => {
    const run = await guestrig(args)
    expect(run.exitCode, run.all).toBe(129)
    expect(run.stderr).toMatch(message)
    expect(run.all).not.toMatch(/^ {4}at /m)
  })

  test('a folder that cannot be made ends with 125 and is named', async () => {
    const run = await guestrig(['run', FIXTURE, '--out', '/proc/x/y'])
    expect(run.exitCode, run.all).toBe(125)
    expect(run.stderr).toMatch(/the folder \/proc\/x\/y cannot be made/)
  })

  test.each([
    ['restores its board', [], true],
    ['boots with --cold', ['--cold'], false],
  ])('%s', async (_, more, restored) => {
    const json = join(root, `${restored}.json`)
    const run = await guestrig([
      'run',
      FIXTURE,
      '-t',
      '^passes',
      '--json',
      json,
      '--out',
      join(root, `${restored}`),
      ...more,
    ])
    expect(run.exitCode, run.all).toBe(0)
    expect(JSON.parse(await readFile(json, 'utf8')).scenarios[0]).toMatchObject({ restored })
  })

  test('a kernel that is not there ends with 125 and names it', async () => {
    const run = await guestrig(['run', FIXTURE, '--kernel', '/no/such/Image'])
    expect(run.exitCode).toBe(125)
    expect(run.stderr).toContain('/no/such/Image')
  })

  test.each(['SIGINT', 'SIGTERM', 'SIGKILL'] as const)('%s leaves no process behind', async (signal) => {
    const out = join(root, signal)
    const run = guestrig(['run', FIXTURE, '-t', '^goes on', '--out', out])
    const booted = () =>
      readFile(join(out, 'goes-on-and-on.virt', 'console-linux.log'), 'utf8').catch(() => '')
    await waitFor('the board to boot', 30_000, async () => (await booted()).includes('Run /init'))
    const begin = performance.now()
    run.kill(signal)
    const ended = await run
    expect(performance.now() - begin).toBeLessThan(2000)
    expect(ended.exitCode ?? ended.signal).toBe({ SIGINT: 130, SIGTERM: 143, SIGKILL: 'SIGKILL' }[signal])
    if (signal !== 'SIGKILL') expect(ended.stderr).toContain('interrupted: 1 scenario has no verdict')
    await waitFor('its processes to go', 5000, async () => (await processesAbout(out)).length === 0)
  })
})

test('guestrig list names scenarios, platforms and files', async () => {
  const list = await guestrig(['list'])
  expect(list.exitCode).toBe(0)
  expect(list.stdout).toMatch(/xen {3}the host bridge probes once its node is enabled/)
  expect(list.stdout).toMatch(/\d+ scenarios in \d+ files/)
})
