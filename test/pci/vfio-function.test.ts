// SPDX-License-Identifier: Apache-2.0
/** What the emulator's accesses become. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { memoryBar, PciFunction, registerBar, VfioFunction, type Width } from '../../harness/pci/index.ts'
import { Region } from '../../harness/vfio-user/index.ts'
import { specimen } from './specimen.ts'

const make = (bars: ConstructorParameters<typeof PciFunction>[0]['bars'] = {}) =>
  new PciFunction({ at: '00:03.0', vendor: 0x104c, device: 0xb500, class: 0xff0000, bars })

test('the emulator is told of the BARs, the configuration space, and the interrupts', () => {
  const { regions, interruptCounts } = new VfioFunction(specimen())
  expect(regions.map((region) => region?.size)).toEqual([
    ...[4096, 4096, 0x1_0000, undefined, undefined, undefined, undefined, 4096, undefined],
  ])
  expect(interruptCounts).toEqual([1, 4, 8, 1, 1])
  expect(new VfioFunction(make()).interruptCounts).toEqual([0, 0, 0, 1, 1])
})

describe('an access', () => {
  test('of any size and place is made of aligned ones, in order, each byte once', () => {
    fc.assert(
      fc.property(fc.nat(200), fc.integer({ min: 1, max: 40 }), (offset, length) => {
        const seen: { offset: number; width: Width }[] = []
        const device = new VfioFunction(
          make({
            0: registerBar({
              size: 256,
              read: (at, width) => {
                seen.push({ offset: at, width })
                return Array.from({ length: width }, (_, byte) => at + byte).reduceRight(
                  (v, b) => v * 256 + b,
                  0,
                )
              },
              write: (at, width) => void seen.push({ offset: at, width }),
            }),
          }),
        )
        const into = Buffer.alloc(length)
        device.read(0, offset, into)
        expect(into).toEqual(Buffer.from(Array.from({ length }, (_, byte) => offset + byte)))
        const reads = seen.splice(0)
        device.write(0, offset, into)
        expect(seen).toEqual(reads)
        let next = offset
        for (const each of reads) {
          expect(each.offset).toBe(next)
          expect(each.offset % each.width).toBe(0)
          next += each.width
        }
        expect(next).toBe(offset + length)
        if (offset % 4 === 0 && length % 4 === 0) expect(reads.every(({ width }) => width === 4)).toBe(true)
      }),
      { seed: 20221014, numRuns: 300 },
    )
  })

  test('of eight bytes is two, the lower half first, and the upper when that is done', async () => {
    const log: string[] = []
    const waiting: (() => void)[] = []
    const later = (what: string) =>
      new Promise<number>((resolve) => {
        log.push(what)
        waiting.push(() => resolve(7))
      })
    const device = new VfioFunction(
      make({
        0: registerBar({
          size: 256,
          read: (offset) => later(`read ${offset}`),
          write: async (offset, _, value) => void (await later(`write ${offset} ${value}`)),
        }),
      }),
    )
    const into = Buffer.alloc(8)
    const reading = device.read(0, 8, into)
    expect(log).toEqual(['read 8'])
    waiting.shift()?.()
    await new Promise(setImmediate)
    expect(log).toEqual(['read 8', 'read 12'])
    waiting.shift()?.()
    await reading
    expect(into).toEqual(Buffer.from([7, 0, 0, 0, 7, 0, 0, 0]))
    log.length = 0
    const data = Buffer.from([1, 0, 0, 0, 2, 0, 0, 0])
    const writing = device.write(0, 0, data)
    // It belongs to the next message now.
    data.fill(0xee)
    waiting.shift()?.()
    await new Promise(setImmediate)
    waiting.shift()?.()
    await writing
    expect(log).toEqual(['write 0 1', 'write 4 2'])
  })

  test('whose first half fails ends with that error, and the second half is not made', async () => {
    let accesses = 0
    const fail = async (): Promise<never> => {
      accesses++
      throw new Error('of the model’s own')
    }
    const device = new VfioFunction(make({ 0: registerBar({ size: 256, read: fail, write: fail }) }))
    await expect(device.read(0, 0, Buffer.alloc(8))).rejects.toThrow('of the model’s own')
    await expect(device.write(0, 0, Buffer.alloc(8))).rejects.toThrow('of the model’s own')
    expect(accesses).toBe(2)
  })

  test('gets the low bits of what the model gives, and an error of the model if that is no whole number', async () => {
    const read = async (given: number | Promise<number>, width: number) => {
      const into = Buffer.alloc(width)
      await new VfioFunction(make({ 0: registerBar({ size: 256, read: () => given }) })).read(0, 0, into)
      return into.readUIntLE(0, width)
    }
    expect(await read(0x1234, 1)).toBe(0x34)
    expect(await read(-1, 2)).toBe(0xffff)
    expect(await read(1 << 31, 4)).toBe(0x8000_0000)
    expect(await read(Promise.resolve(2 ** 32 + 5), 4)).toBe(5)
    for (const value of [0.5, Number.NaN, undefined as unknown as number])
      await expect(read(value, 4)).rejects.toThrow(/a read must give a whole number, not/)
  })
})

test('a long read of the configuration space is the emulator’s own: no access of the guest', () => {
  const fn = specimen({ present: false })
  const into = Buffer.alloc(4096)
  new VfioFunction(fn).read(Region.CONFIG, 0, into)
  expect(into.readUInt32LE(0)).toBe(0xb500_104c)
  expect(fn.trace.entries).toEqual([])
  const short = Buffer.alloc(8)
  new VfioFunction(fn).read(Region.CONFIG, 0, short)
  expect(short).toEqual(Buffer.alloc(8, 0xff))
})

test('interrupts and DMA go to the emulator while it is there', () => {
  const fn = make({ 0: memoryBar({ size: 16 }) })
  const signalled: [number, number][] = []
  const levels: boolean[] = []
  const interrupts = {
    signal: (index: number, vector: number) => signalled.push([index, vector]) > 0,
    set intx(asserted: boolean) {
      levels.push(asserted)
    },
  }
  const device = new VfioFunction(fn)
  fn.writeConfig(4, 2, 6)
  device.connected({ memory: {}, interrupts } as never)
  expect(fn.interrupt(3)).toBe(true)
  fn.intx = true
  device.reset()
  device.disconnected()
  expect(fn.interrupt(3)).toBe(false)
  expect(signalled).toEqual([[2, 3]])
  expect(levels).toContain(true)
  expect(levels.at(-1)).toBe(false)
})
