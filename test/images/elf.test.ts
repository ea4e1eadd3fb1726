// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises'
import { describe, expect, it } from 'vitest'
import { interpreter, libraryClosure, neededLibraries } from '../../images/elf.ts'

describe('an ELF program', () => {
  it('tells its libraries and its loader', async () => {
    // Whatever Node is linked to, the C library is in it.
    const node = await readFile(process.execPath)
    expect(neededLibraries(node)).toContain('libc.so.6')
    expect(interpreter(node)).toMatch(/\/ld-linux-[\w-]+\.so\.\d$/)
  })

  it('is told from a script', () => {
    const script = Buffer.from('#!/bin/sh\n'.padEnd(100, '#'))
    expect(neededLibraries(script)).toEqual([])
    expect(interpreter(script)).toBeUndefined()
  })

  it('cannot be brought along without a library that it needs', async () => {
    const node = await readFile(process.execPath)
    expect(() => libraryClosure([node], new Map())).toThrow(/no package brings the library lib/)
  })
})
