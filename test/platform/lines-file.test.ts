// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { expect as expectGuest, PciFunction, rootPort } from '../../harness/index.ts'
import type { TraceEntry } from '../../harness/pci/index.ts'
import { obtainBoard } from '../../harness/platform/index.ts'
import { closeAll, LinesFile } from '../../harness/platform/lines-file.ts'
import { locateImages } from '../../images/index.ts'

let root: string

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'guestrig-trace-'))
})

afterAll(() => rm(root, { recursive: true }))

const entriesIn = async (path: string): Promise<TraceEntry[]> =>
  (await readFile(path, 'utf8'))
    .trimEnd()
    .split('\n')
    .map((line) => JSON.parse(line))

/** A disk without room (full(4)). */
const FULL = '/dev/full'

describe('LinesFile', () => {
  const entry: TraceEntry = { at: 1, from: '00:01.0', what: 'reset' }

  test('is there once there is a line', async () => {
    const path = join(root, 'none.jsonl')
    new LinesFile<TraceEntry>(path, JSON.stringify).close()
    expect(existsSync(path)).toBe(false)
  })

  test('has every line when it is closed, and takes none any more', async () => {
    const path = join(root, 'some.jsonl')
    const file = new LinesFile<TraceEntry>(path, JSON.stringify)
    for (let at = 0; at < 1001; at++) file.write({ ...entry, at })
    file.close()
    file.write(entry)
    file.close()
    expect((await entriesIn(path)).map(({ at }) => at)).toEqual(Array.from({ length: 1001 }, (_, at) => at))
  })

  test('says at its end that the disk was full, and keeps no other file from being whole', async () => {
    const full = new LinesFile<TraceEntry>(FULL, JSON.stringify)
    const whole = new LinesFile<TraceEntry>(join(root, 'whole.jsonl'), JSON.stringify)
    for (const file of [full, whole]) file.write(entry)
    expect(() => closeAll([full, whole])).toThrow(/\/dev\/full is not whole: ENOSPC/)
    expect(await entriesIn(join(root, 'whole.jsonl'))).toEqual([entry])
  })
})

test('a model that is plugged into a board without models is traced', async () => {
  const dir = join(root, 'plugged')
  const devices = [rootPort({ at: '00:01.0', id: 'port1' })]
  const board = await obtainBoard('virt', { images: await locateImages(), dir, devices })
  try {
    expect(existsSync(join(dir, 'trace.jsonl'))).toBe(false)
    await board.domain().loadDriver('pseudo-hotplug')
    await board.domain().sysrq('4')
    await expectGuest(board.domain().console).toPrint(/pseudo-hotplug: enable/)
    const at = '01:00.0'
    await board.plug(new PciFunction({ at, bus: 'port1', vendor: 0x104c, device: 0xb500, class: 0xff0000 }))
    await expectGuest(board.domain().console).toPrint(/pci 0000:01:00\.0: \[104c:b500\]/)
  } finally {
    await board.stop()
  }
  expect(await entriesIn(join(dir, 'trace.jsonl'))).toContainEqual(
    expect.objectContaining({ from: '01:00.0', what: 'read', space: 'config' }),
  )
})
