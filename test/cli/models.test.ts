// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { guestrig } from './guestrig.ts'

let root: string

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'guestrig-models-'))
})

afterAll(() => rm(root, { recursive: true }))

test("a model's exception fails its scenario at once, with the model's stack trace", async () => {
  const json = join(root, 'results.json')
  const run = await guestrig([
    ...['run', 'test/cli/fixtures/models.scenario.ts'],
    ...['--json', json, '--out', join(root, 'run')],
  ])
  expect(run.exitCode, run.all).toBe(1)
  const { scenarios } = JSON.parse(await readFile(json, 'utf8'))
  const [throws, behind, asserts] = scenarios
  for (const { verdict, message, durationMs, artifacts } of [throws, behind]) {
    expect(verdict).toBe('error')
    expect(message).toMatch(
      /the device model at (00:03\.0|pcie@10000000) failed: RangeError: the model has a bug/,
    )
    expect(message).toMatch(/modelRead .*fixtures\/models\.scenario\.ts:\d+:\d+/)
    // Both commands would have run for ten minutes.
    expect(durationMs).toBeLessThan(60_000)
    const files = await readdir(artifacts.dir)
    expect(files).toContain('trace.jsonl')
    expect(files.filter((name) => name.endsWith('.sock') || name === 'ram')).toEqual([])
  }
  expect(asserts).toMatchObject({
    verdict: 'fail',
    message: expect.stringContaining('the guest read another register'),
  })
  expect(run.stdout).toContain('RangeError: the model has a bug')
})
