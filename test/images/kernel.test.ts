// SPDX-License-Identifier: Apache-2.0
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { mergeFragments, unmetSymbols } from '../../images/kernel-config.ts'
import { lacking } from '../../images/kernel-needs.ts'
import { kernelFromPath, parseKernelSpec } from '../../images/kernel-spec.ts'

describe('fragments', () => {
  it('merge with the later one winning, and without their comments', () => {
    const base = '# why\nCONFIG_B=y\nCONFIG_A=8\n'
    expect(mergeFragments([base, '# CONFIG_B is not set\n'])).toBe('CONFIG_A=8\nCONFIG_B=n\n')
    expect(mergeFragments([base])).toBe(mergeFragments([base.replace('why', 'because')]))
  })

  it('are compared with what Kconfig made of them', () => {
    const config = 'CONFIG_A=8\n# CONFIG_B is not set\n'
    expect(unmetSymbols('CONFIG_A=8\nCONFIG_B=n\nCONFIG_GONE=n\n', config)).toEqual([])
    expect(unmetSymbols('CONFIG_A=4\nCONFIG_B=y\nCONFIG_C=y\n', config)).toEqual([
      'CONFIG_A: asked 4, got 8',
      'CONFIG_B: asked y, got n',
      'CONFIG_C: asked y, got n',
    ])
  })
})

describe('what a kernel lacks', () => {
  it('is what is off in the configuration of its tree; modules are there', async () => {
    const tree = await mkdtemp(join(tmpdir(), 'guestrig-tree-'))
    await writeFile(join(tree, '.config'), 'CONFIG_A=y\nCONFIG_B=m\n# CONFIG_C is not set\nCONFIG_E=8\n')
    const kernel = { image: '', release: '', modules: {}, id: '', label: '6.12', buildTree: tree }
    expect(await lacking(kernel, [])).toBeUndefined()
    expect(await lacking(kernel, ['CONFIG_A', 'CONFIG_B', 'CONFIG_E'])).toBeUndefined()
    expect(await lacking(kernel, ['CONFIG_A', 'CONFIG_C', 'CONFIG_D'])).toBe(
      'the kernel 6.12 has no CONFIG_C, CONFIG_D',
    )
    await rm(tree, { recursive: true })
  })

  it('is not known where there is no tree', async () => {
    const kernel = { image: '', release: '', modules: {}, id: '', label: '/tmp/Image' }
    expect(await lacking(kernel, [])).toBeUndefined()
    expect(await lacking(kernel, ['CONFIG_A'])).toMatch(/CONFIG_A is not known: there is no build tree/)
  })
})

describe('parseKernelSpec', () => {
  it('knows versions, fragments and paths apart', () => {
    expect(parseKernelSpec()).toMatchObject({ kind: 'version', version: '6.12', extras: [] })
    expect(parseKernelSpec('7.3+no-of-dynamic+kasan')).toEqual({
      kind: 'version',
      version: '7.3',
      extras: ['no-of-dynamic', 'kasan'],
      label: '7.3+no-of-dynamic+kasan',
    })
    expect(parseKernelSpec('/tmp/Image')).toEqual({ kind: 'path', path: '/tmp/Image' })
    expect(parseKernelSpec('6.12/Image')).toMatchObject({ kind: 'path' })
  })
})

describe('kernelFromPath', () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'guestrig-kernel-'))
  })
  afterEach(() => rm(folder, { recursive: true }))

  const image = Buffer.alloc(64)
  image.write('ARM\x64', 56, 'latin1')

  it('says that there is none, or that it is something else, and what to give', async () => {
    const none = join(folder, 'none')
    await expect(kernelFromPath(none)).rejects.toMatchObject({
      message: `there is no kernel image ${none}`,
      remedy: expect.stringContaining('arch/arm64/boot/Image'),
    })
    const gz = join(folder, 'Image.gz')
    await writeFile(gz, Buffer.from([0x1f, 0x8b]))
    await expect(kernelFromPath(gz)).rejects.toMatchObject({ message: `${gz} is not an arm64 kernel Image` })
    await expect(kernelFromPath(folder)).rejects.toMatchObject({
      message: `${folder} is not an arm64 kernel Image`,
    })
  })

  it('takes a lone Image, which no driver can be built for', async () => {
    const path = join(folder, 'Image')
    await writeFile(path, image)
    const kernel = await kernelFromPath(path)
    expect(kernel).toMatchObject({ image: path, release: 'unknown', modules: {}, label: path })
    expect(kernel.buildTree).toBeUndefined()
  })

  it('finds the build tree around an Image', async () => {
    await mkdir(join(folder, 'arch/arm64/boot'), { recursive: true })
    await mkdir(join(folder, 'include/config'), { recursive: true })
    await writeFile(join(folder, 'arch/arm64/boot/Image'), image)
    await writeFile(join(folder, '.config'), '')
    await writeFile(join(folder, 'Module.symvers'), '')
    await writeFile(join(folder, 'include/config/kernel.release'), '6.12.1-mine\n')
    const path = join(folder, 'arch/arm64/boot/Image')
    const kernel = await kernelFromPath(path)
    expect(kernel).toMatchObject({ buildTree: folder, release: '6.12.1-mine' })
    await writeFile(join(folder, '.config'), 'CONFIG_A=y\n')
    expect((await kernelFromPath(path)).id).not.toBe(kernel.id)
  })
})
