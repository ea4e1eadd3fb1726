// SPDX-License-Identifier: Apache-2.0
/** What a machine's processors do is seen from outside: whether it sleeps, and whether an agent that is told to stay awake does. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Board, obtainBoard } from '../../harness/platform/index.ts'
import { fallsAsleep } from '../../harness/platform/processors.ts'
import { locateImages } from '../../images/index.ts'

/** ms in which a guest that has nothing to do falls asleep, also on a busy host. */
const SOON = 5000

let dir: string
let board: Board

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'guestrig-asleep-'))
  board = await obtainBoard('xen', { images: await locateImages(), dir: join(dir, 'board') })
})

afterAll(async () => {
  await board.stop()
  await rm(dir, { recursive: true })
})

test('guests that have nothing to do sleep', async () => {
  expect(await fallsAsleep(board.emulator, SOON)).toBe(true)
})

test('while one of two is busy, the machine is awake', async () => {
  const busy = await board.domain('dom0').run('while :; do :; done >/dev/null 2>&1 & echo $!')
  expect(await fallsAsleep(board.emulator, 300)).toBe(false)
  await board.settle()
  await board.domain('dom0').run(`kill ${busy.stdout}`)
  expect(await fallsAsleep(board.emulator, SOON)).toBe(true)
})

test('an agent stays awake for as long as it is told, or until it is asked', async () => {
  const domU = board.domain()
  expect(await domU.staysAwake(60_000)).toBe(true)
  expect(await fallsAsleep(board.emulator, 100)).toBe(false)
  expect(await domU.isAlive()).toBe(true)
  expect(await fallsAsleep(board.emulator, SOON)).toBe(true)
  expect(await domU.staysAwake(200)).toBe(true)
  expect(await fallsAsleep(board.emulator, SOON)).toBe(true)
  expect(await domU.isTimeMoving()).toBe(true)
})

test('a machine that has gone is not asleep', async () => {
  await board.stop()
  expect(await fallsAsleep(board.emulator, 10)).toBe(false)
})
