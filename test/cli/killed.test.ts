// SPDX-License-Identifier: Apache-2.0
/**
 * The harness is killed at any moment, while it takes snapshots, restores them and serves device models: nothing is left behind, and the next run finds a
 * cache that it can work with. `npm run test:kills` does it 100 times.
 */
import { mkdir, mkdtemp, readdir, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { cacheFolder } from '../../images/index.ts'
import { processesAbout } from '../processes.ts'
import { waitFor } from '../wait-for.ts'
import { guestrig } from './guestrig.ts'

const TIMES = Number(process.env.GUESTRIG_KILLS ?? 3)
/** ms in which such a run is over, so that every part of it is hit. */
const RUN = 6000
const SCENARIOS = ['scenarios/models', 'scenarios/boards']

let root: string
let cache: string

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'guestrig-killed-'))
  cache = join(root, 'cache')
  // The same entries, but snapshots of its own.
  await mkdir(cache)
  const entries = (await readdir(cacheFolder())).filter((name) => name !== 'snapshots')
  await Promise.all(entries.map((name) => symlink(join(cacheFolder(), name), join(cache, name))))
})

afterAll(() => rm(root, { recursive: true }))

/** Sockets, and RAM that is shared with device models, below a folder. */
async function leftIn(folder: string): Promise<string[]> {
  const files = await readdir(folder, { recursive: true }).catch(() => [])
  return files.filter((file) => /\.sock$|\bram$/.test(file))
}

const run = (out: string) => guestrig(['run', ...SCENARIOS, '--out', out], { env: { GUESTRIG_CACHE: cache } })

test(`killed ${TIMES} times`, { timeout: 60_000 + TIMES * 20_000 }, async () => {
  for (let time = 0; time < TIMES; time++) {
    const out = join(root, `run-${time}`)
    // Every other time there are snapshots.
    if (time % 2) await rm(join(cache, 'snapshots'), { recursive: true, force: true })
    const running = run(out)
    await pause(((time + Math.random()) * RUN) / TIMES)
    running.kill('SIGKILL')
    await running
    // Those that are there before any board are of this cache.
    await waitFor('its processes to go', 5000, async () => (await processesAbout(root)).length === 0)
    expect(await leftIn(out), `run ${time}`).toEqual([])
    await rm(out, { recursive: true, force: true })
  }
  const after = await run(join(root, 'after'))
  expect(after.exitCode, after.all).toBe(0)
  const doctor = await guestrig(['doctor'], { env: { GUESTRIG_CACHE: cache } })
  expect(doctor.exitCode, doctor.all).toBe(0)
  const snapshots = await readdir(join(cache, 'snapshots'))
  expect(snapshots.filter((name) => name.includes('partial'))).toEqual([])
})
