// SPDX-License-Identifier: Apache-2.0
import { mkdir, mkdtemp, readdir, readFile, readlink, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { benchChart } from '../../harness/cli/bench-chart.ts'
import type { BenchReport } from '../../harness/cli/bench-table.ts'
import { guestrig } from './guestrig.ts'

let root: string

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'guestrig-bench-test-'))
})

afterAll(() => rm(root, { recursive: true }))

describe('guestrig bench', () => {
  test('measures a scenario beside bare QEMU, prints a table, writes JSON, and leaves nothing', async () => {
    const scratch = join(root, 'scratch')
    const json = join(root, 'figures', 'bench.json')
    const svg = join(root, 'figures', 'bench.svg')
    await mkdir(scratch)
    const { exitCode, stdout, all } = await guestrig(
      ['bench', '--only', 'boards', '--rounds', '1', '--platform', 'virt', '--json', json, '--svg', svg],
      { env: { TMPDIR: scratch } },
    )
    expect(exitCode, all).toBe(0)
    expect(stdout).toMatch(/"random: crng init done" .* (ok|too slow) \(cold ÷ bare at most 1\.10\)/)
    expect(stdout).toMatch(/until every domain is up .* (ok|too slow) \(restored ÷ cold at most 0\.20\)/)
    expect(stdout).toMatch(
      / (ok|too slow) \(restored at most \d+; (130 × .*: )?virt boots bare in \d+, the reference in 600\)/,
    )
    expect(await readdir(scratch)).not.toContainEqual(expect.stringMatching(/^guestrig-bench-/))
    expect(await processesIn(scratch)).toEqual([])

    const report: BenchReport = JSON.parse(await readFile(json, 'utf8'))
    expect(report).toMatchObject({ version: 2, rounds: 1, platforms: [{ platform: 'virt' }] })
    expect(report.peakRss).toBeGreaterThan(1e6)
    const figures = report.platforms[0] as PlatformFigures
    expect(await readFile(svg, 'utf8')).toBe(benchChart(report))
    const { bare, cold, restored, ratio, judged, up, floor, cpu } = figures
    expect(Object.keys(bare)).toEqual(['initStarted', 'initAtWork'])
    expectRising(medians(bare, ['initStarted', 'initAtWork']))
    const afterwards = ['domainsUp', 'driverLoaded', 'toggleAnswered', 'stopped']
    expectRising(medians(cold, ['qemuStarted', 'initStarted', 'initAtWork', ...afterwards]))
    // It prints nothing of a boot: that was when the snapshot was taken.
    expectRising(medians(restored, ['qemuStarted', ...afterwards]))
    expect(restored).not.toHaveProperty('initStarted')
    expectRising(medians({ floor, ...bare }, ['floor', 'initStarted']))
    expect(cpu.cold.median).toBeGreaterThan(0)
    expect(cpu.restored.median).toBeGreaterThan(0)
    expectRising(medians({ ...up, whole: restored.domainsUp as Summary }, ['restored', 'whole']))
    expect(up.judged.ratio).toMatchObject({
      value: up.restored.median / up.cold.median,
      ...{ atMost: 0.2, ok: up.ratio.ofMedians <= 0.2 },
    })
    const { atMost, factor, bareBoot } = up.judged.scale
    expect({ atMost, bareBoot }).toEqual({ atMost: 130, bareBoot: bare.initAtWork?.median })
    expect(factor).toBe(Math.max(1, bareBoot / 600))
    expect(up.judged.time).toMatchObject({ value: up.restored.median, atMost: 130 * factor })
    expect(judged.line).toBe('initAtWork')
    expect(judged.ratio).toBeCloseTo((cold.initAtWork?.median ?? 0) / (bare.initAtWork?.median ?? 0))
    expect(judged.ok).toBe(judged.ratio <= judged.bound)
    expect(ratio.initAtWork).toEqual({ ofMedians: judged.ratio, min: judged.ratio, max: judged.ratio })
  }, 240_000)

  test('measures models, and leaves nothing', async () => {
    const scratch = join(root, 'scratch-models')
    const json = join(root, 'models.json')
    await mkdir(scratch)
    const { exitCode, stdout, all } = await guestrig(
      ['bench', '--only', 'models', '--rounds', '1', '--json', json],
      { env: { TMPDIR: scratch } },
    )
    expect(exitCode, all).toBe(0)
    expect(await readdir(scratch)).not.toContainEqual(expect.stringMatching(/^guestrig-bench-/))
    expect(await processesIn(scratch)).toEqual([])

    const report: BenchReport = JSON.parse(await readFile(json, 'utf8'))
    expect(report.platforms).toEqual([])
    const rows = report.models.map(({ name, unit }) => [name, unit].filter(Boolean).join(', '))
    expect(rows).toEqual([
      ...['config read, µs', 'BAR read, µs'],
      ...["32 functions found on QEMU's bridge, ms", '32 functions found on a modelled bridge, ms'],
      ...['interrupts answered, GICv2m, /s', 'interrupts answered one by one, GICv2m, /s'],
      'not counted of 20000, GICv2m',
      ...[
        'interrupts answered, ITS, /s',
        'interrupts answered one by one, ITS, /s',
        'not counted of 20000, ITS',
      ],
      ...['interrupts signalled without a pause, ITS, /s', 'counted of those 10000, ITS'],
      ...['DMA reads, shared RAM, MB/s', 'DMA writes, shared RAM, MB/s', 'DMA copies, shared RAM, MB/s'],
      ...['DMA reads, by messages, MB/s', 'DMA writes, by messages, MB/s', 'DMA copies, by messages, MB/s'],
    ])
    for (const row of rows) expect(stdout).toContain(`\n  ${row} `)
    for (const { name, ours } of report.models) expect(ours.samples, name).toHaveLength(1)
    const [config] = report.models
    expect(config?.ratio?.ofMedians).toBeCloseTo((config?.ours.median ?? 0) / (config?.theirs?.median ?? 0))
    // What is no matter of speed: every interrupt that was answered has arrived.
    const lost = report.models.filter(({ name }) => name.startsWith('not counted'))
    expect(lost.map(({ judged }) => judged?.ok)).toEqual([true, true])
  }, 240_000)

  test('times commands beside bare Node, and leaves nothing', async () => {
    const scratch = join(root, 'scratch-commands')
    const json = join(root, 'commands.json')
    await mkdir(scratch)
    const { exitCode, stdout, all } = await guestrig(
      ['bench', '--only', 'commands', '--rounds', '1', '--platform', 'virt', '--json', json],
      { env: { TMPDIR: scratch } },
    )
    expect(exitCode, all).toBe(0)
    expect(await readdir(scratch)).not.toContainEqual(expect.stringMatching(/^guestrig-bench-/))
    expect(await processesIn(scratch)).toEqual([])

    const report: BenchReport = JSON.parse(await readFile(json, 'utf8'))
    expect(report).toMatchObject({ platforms: [], models: [] })
    const [help, list, run, outside] = report.commands
    expect(report.commands.map(({ name, judged }) => [name, judged?.atMost])).toEqual([
      ['guestrig --help', 250],
      ['guestrig list', 250],
      ['guestrig run, one scenario on virt', undefined],
      ['of that outside the board', 500],
    ])
    for (const { name } of report.commands) expect(stdout).toContain(`\n  ${name}, ms `)
    for (const { ours, theirs } of [help, list] as Figure[])
      expectRising([0, theirs?.median ?? Number.NaN, ours.median])
    expectRising([0, outside?.ours.median ?? Number.NaN, run?.ours.median ?? Number.NaN])
  }, 120_000)

  test('runs a suite with one worker and with two, counts what the harness used, and leaves nothing', async () => {
    const scratch = join(root, 'scratch-suite')
    const json = join(root, 'suite.json')
    await mkdir(scratch)
    const { exitCode, stdout, all } = await guestrig(
      ['bench', '--only', 'suite', '--scenarios', '4', '--rounds', '1', '--json', json],
      { env: { TMPDIR: scratch } },
    )
    expect(exitCode, all).toBe(0)
    expect(await readdir(scratch)).not.toContainEqual(expect.stringMatching(/^guestrig-bench-/))
    expect(await processesIn(scratch)).toEqual([])

    const report: BenchReport = JSON.parse(await readFile(json, 'utf8'))
    const [, beside, processor, memory] = report.suite
    expect(stdout).toMatch(/\nsuite .*\n {2}4 scenarios on xen, \d+ processors, s .*\n/)
    // The bounds are for 60.
    expect(report.suite.map(({ judged }) => judged)).toEqual([undefined, undefined, undefined, undefined])
    expect(beside?.ratio?.ofMedians).toBe((beside?.ours.median ?? 0) / (beside?.theirs?.median ?? 0))
    // Of the two runs, less than two processors' whole time, and as much as Node takes to start in each process.
    expect(processor?.theirs?.median).toBeLessThan(2 * (beside?.theirs?.median ?? 0))
    expectRising([0.05, processor?.theirs?.median ?? Number.NaN])
    expectRising([0.05, processor?.ours.median ?? Number.NaN])
    expectRising([50, memory?.theirs?.median ?? Number.NaN, memory?.ours.median ?? Number.NaN])
  }, 240_000)

  test.each([
    ['--only', 'guests'],
    ['--rounds', '0'],
    ['--scenarios', '0'],
    ['--rounds', 'many'],
    ['--platform', 'riscv'],
    ['--svg', 'bench.svg', '--only', 'suite'],
  ])('%s %s is wrong usage', async (...words) => {
    const { exitCode, stderr } = await guestrig(['bench', ...words])
    expect(exitCode).toBe(129)
    expect(stderr).toContain('guestrig bench')
  })
})

type PlatformFigures = BenchReport['platforms'][number]
type Figure = BenchReport['commands'][number]
type Summary = PlatformFigures['floor']

/** Processes whose working directory is in `folder`: every QEMU runs in the folder of its board. */
async function processesIn(folder: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const places = await Promise.all(pids.map((pid) => readlink(`/proc/${pid}/cwd`).catch(() => '')))
  return places.filter((place) => place.startsWith(folder))
}

/** The medians under `keys`, with a 0 before them: what is measured takes time. */
function medians(summaries: Record<string, unknown>, keys: string[]): number[] {
  return [0, ...keys.map((key) => (summaries[key] as Summary | undefined)?.median ?? Number.NaN)]
}

/** Every number is larger than the one before it. */
function expectRising(numbers: number[]): void {
  for (const [index, number] of numbers.slice(1).entries())
    expect(number).toBeGreaterThan(numbers[index] ?? 0)
}
