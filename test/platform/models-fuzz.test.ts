// SPDX-License-Identifier: Apache-2.0
/** Modelled functions under random accesses from inside a guest, through QEMU. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { expect as expectGuest } from '../../harness/index.ts'
import { RootComplex, type TraceEntry } from '../../harness/pci/index.ts'
import { type Board, type BoardDevice, bootBoard } from '../../harness/platform/index.ts'
import { locateImages } from '../../images/index.ts'
import { ECHO, HOLDS, specimen } from '../pci/specimen.ts'

const BDF = '0000:00:03.0'
const COUNT = 10_000

/** Of no driver's. */
const DEVICE = 0xb5ff

const places: [string, () => BoardDevice][] = [
  ['on the emulator’s bridge', () => specimen({ device: DEVICE })],
  ['behind a modelled root complex', () => new RootComplex({ functions: [specimen({ device: DEVICE })] })],
]

describe.each(places)('a function %s', (_, device) => {
  let root: string
  let board: Board

  /** What a run prints. */
  async function answer(...words: (string | number)[]): Promise<Record<string, unknown>> {
    const { stdout } = await board.domain().run(['guestrig-pci', ...words.map(String)])
    return JSON.parse(stdout)
  }

  /** What the guest reads where the model has something to say. */
  async function state(): Promise<unknown[]> {
    const reads: (string | number)[][] = [
      ...[0, 8, 0x10, 0x14, 0x18, 0x1c, 0x2c, 0x34, 0x100].map((at) => ['config', 'read', BDF, at, 4]),
      ['bar', 'read', BDF, 0, ECHO, 4],
      ['bar', 'read', BDF, 0, ECHO + 2, 2],
      // Memory is decoded since the first access to a BAR.
      ['config', 'read', BDF, 4, 2],
    ]
    const values: unknown[] = []
    for (const words of reads) values.push((await answer(...words)).value)
    await answer('bar', 'write', BDF, 0, HOLDS, 4, 0x12345678)
    values.push((await answer('bar', 'read', BDF, 0, HOLDS, 4)).value)
    await answer('bar', 'write', BDF, 2, 0x8000, 8, '0x1122334455667788')
    values.push((await answer('bar', 'read', BDF, 2, 0x8004, 4)).value)
    return values
  }

  beforeAll(async () => {
    root = await mkdtemp(join(tmpdir(), 'guestrig-models-fuzz-'))
    const images = await locateImages()
    board = await bootBoard('virt', {
      ...{ images, dir: join(root, 'board'), devices: [device()], status: 'okay' },
    })
  })

  afterAll(async () => {
    await board?.stop()
    await rm(root, { recursive: true })
  })

  test('takes ten thousand random accesses of a guest, and is afterwards what it was', async () => {
    const accesses: TraceEntry[] = []
    board.trace.onEntry((entry) => void (entry.from === '00:03.0' && accesses.push(entry)))
    const before = await state()
    expect(before.slice(-5)).toEqual(['0x00000040', '0x0042', '0x0002', '0x12345678', '0x11223344'])
    accesses.length = 0

    const { config, bars, ...rest } = await answer('fuzz', BDF, 20221014, COUNT)

    expect(rest).toEqual({ bdf: BDF, seed: '20221014', count: COUNT, answers: true })
    expect(config).toMatchObject({ size: 4096, failed: 0 })
    expect((bars as { bar: number; size: number }[]).map(({ bar, size }) => [bar, size])).toEqual([
      [0, 4096],
      [1, 4096],
      [2, 0x1_0000],
    ])
    // The rest is what QEMU answers itself, and what the processor does not let through.
    expect(accesses.length).toBeGreaterThan(COUNT / 4)
    expect(accesses.filter(({ note }) => note)).toEqual([])
    expect(await state()).toEqual(before)
    await board.settle()
    expect(board.failed.aborted, String(board.failed.reason)).toBe(false)
    await expectGuest(board.domain().console).toStayQuietAbout(/WARNING|BUG|pcieport.*[Ee]rror|Unhandled/)
  })
})
