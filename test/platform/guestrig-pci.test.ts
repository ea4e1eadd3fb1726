// SPDX-License-Identifier: Apache-2.0
/** guestrig-pci, the guest's program for accesses to PCI functions, on functions that QEMU models. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Board, bootBoard, virtioNet, virtioRng } from '../../harness/platform/index.ts'
import { locateImages } from '../../images/index.ts'

/** Bound to the stock driver. */
const NET = '0000:00:01.0'
/** Taken from its driver before the tests. */
const RNG = '0000:00:02.0'

let root: string
let board: Board

const pci = (...words: (string | number)[]) =>
  board.domain().run(['guestrig-pci', ...words.map(String)], { mayFail: true })

/** What a run prints, which is all that it prints. */
async function answer(...words: (string | number)[]): Promise<Record<string, unknown>> {
  const { status, stdout, stderr } = await pci(...words)
  expect({ status, stderr }).toEqual({ status: 0, stderr: '' })
  expect(stdout).toMatch(/^\{.*\}\n$/)
  return JSON.parse(stdout)
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'guestrig-pci-'))
  const devices = [virtioNet({ at: '00:01.0' }), virtioRng({ at: '00:02.0' })]
  const images = await locateImages()
  board = await bootBoard('virt', { images, dir: join(root, 'board'), devices, status: 'okay' })
  await board.domain().run(`echo ${RNG} >/sys/bus/pci/devices/${RNG}/driver/unbind`)
})

afterAll(async () => {
  await board?.stop()
  await rm(root, { recursive: true })
})

describe('configuration space', () => {
  test.each([
    [NET, 0, 2, '0x1af4'],
    ['00:01.0', 2, 2, '0x1041'],
    [NET, '0x0', 4, '0x10411af4'],
    [NET, 1, 1, '0x1a'],
    [NET, 1, 2, '0x411a'],
  ])('%s: what is at %s, %i bytes', async (bdf, offset, width, value) => {
    expect(await answer('config', 'read', bdf, offset, width)).toEqual({
      bdf: NET,
      offset: Number(offset),
      width,
      value,
    })
  })

  test('what is written is read back', async () => {
    const line = ['config', 'write', RNG, '0x3c', 1, '0xa5']
    expect(await answer(...line)).toEqual({ bdf: RNG, offset: 0x3c, width: 1, value: '0xa5' })
    expect(await answer('config', 'read', RNG, '0x3c', 1)).toMatchObject({ value: '0xa5' })
  })

  test('reads are timed', async () => {
    const times = await answer('config', 'time', NET, 0, 4, 200)
    expect(times).toMatchObject({ bdf: NET, offset: 0, width: 4, count: 200 })
    const [total, min, median, p99] = ['totalNs', 'minNs', 'medianNs', 'p99Ns'].map((key) =>
      Number(times[key]),
    )
    expect(min).toBeGreaterThan(0)
    expect(median).toBeGreaterThanOrEqual(min as number)
    expect(p99).toBeGreaterThanOrEqual(median as number)
    expect(total).toBeGreaterThanOrEqual(200 * (min as number))
  })

  test('a function that is not there, and registers past the end', async () => {
    expect(await pci('config', 'read', '00:1f.0', 0, 2)).toMatchObject({
      status: 3,
      stdout: '',
      stderr: expect.stringContaining('there is no function 0000:00:1f.0'),
    })
    expect(await pci('config', 'read', NET, 4096, 4)).toMatchObject({
      status: 3,
      stdout: '',
      stderr: expect.stringMatching(/4 bytes at 0x1000 are beyond the 0x\w+ bytes/),
    })
  })
})

describe('a BAR', () => {
  /** In QEMU's BAR 4 of every virtio function: the common configuration (virtio 1.2, section 4.1.4.3) and the device's own. */
  const DEVICE_FEATURE_SELECT = 0x00
  const DEVICE_FEATURE = 0x04
  const MAC = 0x2000

  // 52:54:00:12:34:56, QEMU's first, and behind it the status: link up.
  test.each([
    [1, '0x52'],
    [2, '0x5452'],
    [4, '0x12005452'],
    [8, '0x0001563412005452'],
  ])('%i bytes are read', async (width, value) => {
    expect(await answer('bar', 'read', NET, 4, MAC, width)).toEqual({
      bdf: NET,
      bar: 4,
      offset: MAC,
      width,
      value,
    })
  })

  test("is written, with the function's decoding turned on", async () => {
    await answer('config', 'write', RNG, 4, 2, 0)
    // Feature bit 32 is VIRTIO_F_VERSION_1, bit 0 nothing for a source of entropy.
    for (const [half, bit] of [
      [1, 1],
      [0, 0],
    ]) {
      await answer('bar', 'write', RNG, 4, DEVICE_FEATURE_SELECT, 4, half as number)
      const { value } = await answer('bar', 'read', RNG, 4, DEVICE_FEATURE, 4)
      expect(Number(value) & 1).toBe(bit)
    }
    expect(await answer('config', 'read', RNG, 4, 2)).toMatchObject({ value: '0x0002' })
  })

  test('is timed', async () => {
    expect(await answer('bar', 'time', NET, 4, 0, 4, 100)).toMatchObject({ bar: 4, count: 100 })
  })

  test('that does not take the width is an external abort: the MSI-X table, byte by byte', async () => {
    expect(await pci('bar', 'read', NET, 1, 0, 1)).toMatchObject({
      status: 3,
      stdout: '',
      stderr: expect.stringMatching(/BAR 1 of .*: read of 1 bytes at 0x0: external abort/),
    })
  })

  test('that is not there, an offset past its end, and one that is not aligned', async () => {
    expect(await pci('bar', 'read', NET, 0, 0, 4)).toMatchObject({
      status: 3,
      stdout: '',
      stderr: `guestrig-pci: ${NET} has no BAR 0\n`,
    })
    expect(await pci('bar', 'read', NET, 4, '0x4000', 1)).toMatchObject({
      status: 3,
      stderr: expect.stringContaining('beyond the 0x4000 bytes of the BAR 4'),
    })
    expect(await pci('bar', 'read', NET, 4, 1, 4)).toMatchObject({
      status: 3,
      stderr: expect.stringContaining('alignment fault'),
    })
  })
})

describe('fuzz', () => {
  test('the same seed makes the same accesses, and the function stays', async () => {
    const first = await answer('fuzz', RNG, 7, 2000)
    expect(first).toMatchObject({ bdf: RNG, seed: '7', count: 2000, answers: true })
    expect(await answer('fuzz', RNG, 7, 2000)).toEqual(first)
    const { config, bars } = first as {
      config: Record<string, number>
      bars: Record<string, number>[]
    }
    const accesses = [config, ...bars].map(({ reads = 0, writes = 0, spared = 0 }) => reads + writes + spared)
    expect(accesses.reduce((sum, each) => sum + each)).toBe(2000)
    expect(config.failed).toBe(0)
    expect(bars.map(({ bar }) => bar)).toEqual([1, 4])
    const [msix] = bars
    expect(msix?.externalAborts).toBeGreaterThan(0)
    expect(msix?.alignmentFaults).toBeGreaterThan(0)
  })

  test('does not touch a function behind its driver', async () => {
    expect(await pci('fuzz', NET, 1, 10)).toMatchObject({
      status: 3,
      stdout: '',
      stderr: expect.stringContaining('belongs to the driver virtio-pci'),
    })
  })
})

describe('wrong usage', () => {
  test.each([
    [[], /what is to be done/],
    [['nonsense'], /no command 'nonsense'/],
    [['config'], /config takes read, write or time/],
    [['config', 'peek', NET, 0, 4], /config takes read, write or time, not peek/],
    [['config', 'read', NET, 0], /config read takes 3 arguments, not 2/],
    [['config', 'read', '1.0', 0, 4], /'1\.0' is not a BDF/],
    [['config', 'read', NET, 'x', 4], /OFFSET is to be a whole number/],
    [['config', 'read', NET, 0, 3], /WIDTH is 1, 2 or 4, not 3/],
    [['config', 'read', NET, 0, 8], /WIDTH is at most 0x4/],
    [['config', 'write', NET, 0, 1, 256], /VALUE is at most 0xff/],
    [['config', 'time', NET, 0, 4, 0], /COUNT is at least 1/],
    [['bar', 'read', NET, 6, 0, 4], /BAR is at most 0x5/],
    [['bar', 'write', NET, 4, 0, 4], /bar write takes 5 arguments, not 4/],
    [['fuzz', NET, 1], /fuzz takes 3 arguments, not 2/],
    [['endpoint-test', 0], /takes a device and a test/],
    [['endpoint-test', 0, 'nonsense'], /no test 'nonsense'/],
    [['endpoint-test', 0, 'bar'], /the test bar takes the number of a BAR/],
    [['endpoint-test', 0, 'set-irqtype', 'legacy'], /'legacy' is no type of interrupt/],
  ])('%j', async (words, complaint) => {
    const { status, stdout, stderr } = await pci(...words)
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' })
    expect(stderr).toMatch(complaint)
    expect(stderr).toContain('usage: guestrig-pci')
  })
})

test('endpoint-test without its driver says what is missing', async () => {
  expect(await pci('endpoint-test', 0, 'bar', 0)).toMatchObject({
    status: 3,
    stdout: '',
    stderr: expect.stringContaining('/dev/pci-endpoint-test.0: No such file or directory'),
  })
})
