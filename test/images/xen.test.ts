// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { needsYield, replaceWfe } from '../../images/xen.ts'

const WFE = 0xd503205f
const YIELD = 0xd503203f
const words = (...values: number[]) => {
  const bytes = Buffer.alloc(values.length * 4)
  for (const [index, value] of values.entries()) bytes.writeUInt32LE(value, index * 4)
  return bytes
}

describe('replaceWfe', () => {
  it('replaces instructions, which lie at multiples of 4', () => {
    const image = words(WFE, 0, WFE, 7)
    expect(replaceWfe(image)).toBe(2)
    expect(image).toEqual(words(YIELD, 0, YIELD, 7))
    const shifted = Buffer.concat([Buffer.alloc(2), words(WFE), Buffer.alloc(2)])
    expect(replaceWfe(shifted)).toBe(0)
  })

  it('leaves data alone where the image has PE sections', () => {
    const image = Buffer.alloc(512)
    const pe = 64
    image.writeUInt32LE(pe, 60)
    image.writeUInt32LE(0x4550, pe)
    image.writeUInt16LE(2, pe + 6)
    const section = (at: number, start: number, flags: number) => {
      image.writeUInt32LE(128, at + 16)
      image.writeUInt32LE(start, at + 20)
      image.writeUInt32LE(flags, at + 36)
    }
    section(pe + 24, 256, 0x60000020)
    section(pe + 24 + 40, 384, 0xc0000040)
    image.writeUInt32LE(WFE, 256)
    image.writeUInt32LE(WFE, 384)
    expect(replaceWfe(image)).toBe(1)
    expect(image.readUInt32LE(384)).toBe(WFE)
  })
})

describe('needsYield', () => {
  it('is so since QEMU 11.1', () => {
    expect(['10.1.2', '11.0.0', '11.1.0', '11.1.3', '12.0'].map(needsYield)).toEqual([
      false,
      false,
      true,
      true,
      true,
    ])
  })
})
