// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { ConfigSpace, type Register, type RegisterWrite, type Width } from '../../harness/pci/index.ts'
import { WIDTHS } from './reference.ts'

/** One byte of a register, on its own. */
interface Bits {
  held: number
  writable: number
  clearedByOne: number
}

const ofWidth = (width: Width) => fc.integer({ min: 0, max: 2 ** (8 * width) - 1 })

/** A register every eight bytes: somewhere in them, as wide as it likes. */
const registers = fc
  .array(
    fc.constantFrom(...WIDTHS).chain((width) =>
      fc.record({
        width: fc.constant(width),
        slot: fc.integer({ min: 0, max: 8 / width - 1 }),
        reset: ofWidth(width),
        writable: ofWidth(width),
        clearedByOne: ofWidth(width),
      }),
    ),
    { minLength: 1, maxLength: 8 },
  )
  .map((all) =>
    all.map(
      ({ width, slot, clearedByOne, writable, reset }, index): Register => ({
        ...{ name: `R${index}`, offset: 8 * index + slot * width, width, reset, writable },
        // A bit is either the one or the other.
        clearedByOne: (clearedByOne & ~writable) >>> 0,
      }),
    ),
  )

const accesses = fc.array(
  fc.record({
    offset: fc.integer({ min: 0, max: 70 }),
    width: fc.constantFrom(...WIDTHS),
    value: ofWidth(4),
    writes: fc.boolean(),
  }),
  { maxLength: 40 },
)

const byteOf = (value: number, byte: number) => (value >>> (8 * byte)) & 0xff

describe('registers', () => {
  test('do with every byte what that byte’s masks say, whatever the access', () => {
    fc.assert(
      fc.property(registers, accesses, (all, sequence) => {
        const config = new ConfigSpace(256)
        config.add(all)
        const bytes = Array.from({ length: 256 }, (): Bits => ({ held: 0, writable: 0, clearedByOne: 0 }))
        for (const { offset, width, reset = 0, writable = 0, clearedByOne = 0 } of all) {
          for (let byte = 0; byte < width; byte++) {
            bytes[offset + byte] = {
              held: byteOf(reset, byte),
              writable: byteOf(writable, byte),
              clearedByOne: byteOf(clearedByOne, byte),
            }
          }
        }
        const held = (offset: number, width: Width) =>
          bytes.slice(offset, offset + width).reduceRight((value, byte) => value * 256 + byte.held, 0)
        for (const { offset, width, value, writes } of sequence) {
          if (writes) {
            config.write(offset, width, value)
            for (let byte = 0; byte < width; byte++) {
              const bits = bytes[offset + byte] as Bits
              const written = byteOf(value, byte)
              bits.held = (bits.held & ~bits.writable) | (written & bits.writable)
              bits.held &= ~(written & bits.clearedByOne)
            }
          }
          expect(config.read(offset, width)).toBe(held(offset, width))
        }
        config.reset()
        for (const { offset, width, reset } of all) expect(config.get(offset, width)).toBe(reset)
      }),
      { seed: 20221014, numRuns: 400 },
    )
  })

  test('are told of what was written: the bytes that were covered, before and after', () => {
    fc.assert(
      fc.property(registers, accesses, (all, sequence) => {
        const config = new ConfigSpace(256)
        const told: { name: string; write: RegisterWrite }[] = []
        config.add(
          all.map((each) => ({ ...each, onWrite: (write) => told.push({ name: each.name, write }) })),
        )
        for (const { offset, width, value } of sequence) {
          const before = new Map(all.map((each) => [each.name, config.get(each.offset, each.width)]))
          told.length = 0
          config.write(offset, width, value)
          const covered = all.filter(
            (each) => each.offset < offset + width && offset < each.offset + each.width,
          )
          expect(told.map(({ name }) => name)).toEqual(covered.map(({ name }) => name))
          for (const [index, each] of covered.entries()) {
            let [enables, written] = [0, 0]
            for (let byte = 0; byte < each.width; byte++) {
              const from = each.offset + byte - offset
              if (from < 0 || from >= width) continue
              enables += 0xff * 2 ** (8 * byte)
              written += byteOf(value, from) * 2 ** (8 * byte)
            }
            expect(told[index]?.write).toEqual({
              ...{ enables, written, previous: before.get(each.name) },
              value: config.get(each.offset, each.width),
            })
          }
        }
      }),
      { seed: 20221014, numRuns: 300 },
    )
  })

  test('that are made up when they are read are made up in every access that touches them, and in no other', () => {
    const config = new ConfigSpace(256)
    let reads = 0
    config.add([
      { name: 'Held', offset: 0x40, width: 2, reset: 0x1122 },
      {
        ...{ name: 'Made up', offset: 0x42, width: 2, reset: 0xffff },
        onRead: (held) => {
          reads++
          return held - 0x4444
        },
      },
    ])
    expect(config.read(0x40, 4)).toBe(0xbbbb_1122)
    expect(config.read(0x43, 1)).toBe(0xbb)
    expect(config.read(0x41, 2)).toBe(0xbb11)
    expect(config.read(0x40, 2)).toBe(0x1122)
    expect(config.read(0x44, 4)).toBe(0)
    expect(reads).toBe(3)
    expect(config.get(0x42, 2)).toBe(0xffff)
    expect(config.copy(0x40, 4)).toEqual(Buffer.from([0x22, 0x11, 0xff, 0xff]))
    expect(reads).toBe(3)
  })

  test('hold what the model sets, read-only bits too, until a reset', () => {
    const config = new ConfigSpace(256)
    config.add([{ name: 'Status', offset: 4, width: 4, reset: 7 }], 0x40)
    config.set(0x44, 4, 0xffff_fffe)
    expect(config.read(0x44, 4)).toBe(0xffff_fffe)
    config.reset()
    expect(config.read(0x44, 4)).toBe(7)
  })

  test('at the end are there to the last byte; behind it nothing is written', () => {
    const config = new ConfigSpace(256)
    config.add([{ name: 'Last', offset: 0xfc, width: 4, writable: 0xffff_ffff }])
    config.write(0xfe, 4, 0x4433_2211)
    expect(config.read(0xfc, 4)).toBe(0x2211_0000)
    expect(config.read(0xff, 2)).toBe(0x22)
  })

  test.each([
    ['not aligned', 0x42, 4],
    ['odd', 0x41, 2],
    ['past the end', 0x100, 1],
    ['before the start', -4, 4],
  ] as const)('that are %s are refused', (_, offset, width) => {
    const config = new ConfigSpace(256)
    expect(() => config.add([{ name: 'Lost', offset, width }])).toThrow(/the register Lost does not fit at/)
  })
})
