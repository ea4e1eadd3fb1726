// SPDX-License-Identifier: Apache-2.0
/** A scenario must not be able to tell a restored board from a booted one, and a damaged snapshot must not be half-restored. */
import { mkdtemp, rm, stat, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { expect as expectGuest } from '../../harness/index.ts'
import { type Board, obtainBoard, virtioRng } from '../../harness/platform/index.ts'
import { dropSnapshot, findSnapshot, type Snapshot, snapshotKey } from '../../harness/platform/snapshot.ts'
import { planVirt } from '../../harness/platform/virt.ts'
import { type Images, locateImages } from '../../images/index.ts'

let root: string
let images: Images
let boards = 0

/** Its own shape, so that no other test has its snapshot. */
const shape = { memory: 448, devices: [virtioRng({ at: '00:01.0' })] }

const snapshot = async (): Promise<Snapshot | undefined> =>
  await findSnapshot(snapshotKey(images, await planVirt(images, shape)))

async function onObtained<T>(look: (board: Board) => Promise<T> | T): Promise<T> {
  const board = await obtainBoard('virt', { ...shape, images, dir: join(root, String(boards++)) })
  try {
    return await look(board)
  } finally {
    await board.stop()
  }
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'guestrig-snapshot-'))
  images = await locateImages()
})

afterAll(async () => {
  const left = await snapshot()
  if (left) await dropSnapshot(left)
  await rm(root, { recursive: true })
})

describe('a restored board', () => {
  test('has the console of its boot, answers, and finds the functions that the snapshot never saw', async () => {
    await onObtained(async (board) => {
      expect(board.restored).toBe(true)
      const linux = board.domain()
      await expectGuest(linux.console).toPrintInOrder([/Booting Linux/, /Run \/init as init process/])
      await linux.loadDriver('pseudo-hotplug')
      await linux.sysrq('4')
      await expectGuest(linux.console).toPrint(/pci 0000:00:01\.0: \[1af4:1044\]/)
      await expectGuest(linux.console).toPrint(/pseudo-hotplug: enable/)
    })
  })

  test('keeps what it writes to itself', async () => {
    await onObtained((board) => board.domain().run('echo mine >/run/mark'))
    const marks = await onObtained((board) => board.domain().run('ls /run/mark', { mayFail: true }))
    expect(marks.status).not.toBe(0)
  })

  test("time goes on where it was, at the host's pace", async () => {
    await onObtained(async (board) => {
      const uptime = async () => Number((await board.domain().read('/proc/uptime')).split(' ')[0])
      const before = await uptime()
      await board.domain().run('sleep 1')
      expect(await uptime()).toBeGreaterThanOrEqual(before + 1)
    })
  })
})

describe('a damaged snapshot is dropped, and the scenario runs all the same', () => {
  test.each<[string, (whole: Snapshot) => Promise<void>]>([
    [
      'a state that was cut off',
      async ({ state }) => truncate(state, Math.floor((await stat(state)).size / 2)),
    ],
    ['a state of something else', ({ state }) => writeFile(state, 'nonsense'.repeat(1000))],
    ['RAM that was cut off', ({ ram }) => truncate(ram, 4096)],
    ['RAM that is gone', ({ ram }) => rm(ram)],
    ['consoles that are no JSON', ({ consoles }) => writeFile(consoles, '{')],
  ])('%s', async (_, damage) => {
    await onObtained(() => {})
    const whole = await snapshot()
    if (!whole) throw new Error('no snapshot was taken')
    await damage(whole)
    expect(await onObtained((board) => board.restored)).toBe(false)
    expect(await snapshot()).toBeUndefined()
    expect(await onObtained((board) => board.restored)).toBe(true)
  })
})
