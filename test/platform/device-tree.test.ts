// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { requesterId } from '../../harness/pci/index.ts'
import { cells, compileTree, reg, writeTree } from '../../harness/platform/device-tree.ts'

describe('writeTree', () => {
  test('writes properties, labels and children', () => {
    const source = writeTree({
      properties: { compatible: ['a', 'b'], flag: true, left: undefined, reg: reg(0x80_0000_0000, 0x1000) },
      children: { 'x@1': { label: 'x', properties: { name: 'say "hi"', link: cells('&x', 3) } } },
    })
    expect(source).toContain('compatible = "a", "b";')
    expect(source).toContain('flag;')
    expect(source).not.toContain('left')
    expect(source).toContain('reg = <0x80 0x0 0x0 0x1000>;')
    expect(source).toContain('x: x@1 {')
    expect(source).toContain('link = <&x 0x3>;')
    expect(source).toContain('name = "say \\"hi\\"";')
  })

  test('dtc compiles it; a text that dtc refuses is named', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'guestrig-test-'))
    await compileTree(writeTree({ properties: { compatible: 'x' } }), join(dir, 'x.dtb'))
    expect((await readFile(join(dir, 'x.dtb'))).readUInt32BE(0)).toBe(0xd00dfeed)
    await expect(compileTree('/dts-v1/; / { broken', join(dir, 'y.dtb'))).rejects.toThrow(
      /dtc did not make .*y\.dtb/,
    )
  })
})

describe('requesterId', () => {
  test('is bus, device, function', () => {
    expect(requesterId('00:01.0')).toBe(8)
    expect(requesterId('02:1f.7')).toBe(0x2ff)
  })

  test.each(['1:2.3', '00:20.0', '00:01.8', 'nonsense'])('refuses %s', (bdf) => {
    expect(() => requesterId(bdf)).toThrow(bdf)
  })
})
