// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { type Member, packCpio } from '../../images/cpio.ts'

interface Unpacked {
  path: string
  mode: number
  data: string
  device: string
}

/** Reads a newc archive as the kernel's init/initramfs.c does. */
function unpack(archive: Buffer): Unpacked[] {
  const members: Unpacked[] = []
  for (let at = 0; ; ) {
    expect(archive.toString('latin1', at, at + 6)).toBe('070701')
    const field = (index: number) =>
      Number.parseInt(archive.toString('latin1', at + 6 + 8 * index, at + 14 + 8 * index), 16)
    const nameEnd = at + 110 + field(11)
    const path = archive.toString('utf8', at + 110, nameEnd - 1)
    if (path === 'TRAILER!!!') return members
    const dataAt = (nameEnd + 3) & ~3
    const dataEnd = dataAt + field(6)
    members.push({
      path,
      mode: field(1),
      data: archive.toString('utf8', dataAt, dataEnd),
      device: `${field(9)}:${field(10)}`,
    })
    expect([field(2), field(3), field(5)], 'uid, gid, mtime').toEqual([0, 0, 0])
    at = (dataEnd + 3) & ~3
  }
}

const members: Member[] = [
  { path: 'sbin/agent', kind: 'file', executable: true, data: Buffer.from('#!') },
  { path: 'dev/console', kind: 'character device', major: 5, minor: 1 },
  { path: 'bin/sh', kind: 'link', target: 'busybox' },
  { path: 'etc/role', kind: 'file', data: Buffer.from('dom0\n') },
  { path: 'proc', kind: 'folder' },
]

describe('packCpio', () => {
  it('packs every kind of member, parents first', () => {
    expect(unpack(packCpio(members))).toEqual([
      { path: 'bin', mode: 0o040755, data: '', device: '0:0' },
      { path: 'bin/sh', mode: 0o120777, data: 'busybox', device: '0:0' },
      { path: 'dev', mode: 0o040755, data: '', device: '0:0' },
      { path: 'dev/console', mode: 0o020600, data: '', device: '5:1' },
      { path: 'etc', mode: 0o040755, data: '', device: '0:0' },
      { path: 'etc/role', mode: 0o100644, data: 'dom0\n', device: '0:0' },
      { path: 'proc', mode: 0o040755, data: '', device: '0:0' },
      { path: 'sbin', mode: 0o040755, data: '', device: '0:0' },
      { path: 'sbin/agent', mode: 0o100755, data: '#!', device: '0:0' },
    ])
  })

  it('gives the same bytes whatever the order of the members', () => {
    expect(packCpio([...members].reverse()).equals(packCpio(members))).toBe(true)
  })

  it('refuses two members of one name', () => {
    expect(() => packCpio([...members, { path: 'etc/role', kind: 'link', target: 'x' }])).toThrow(
      '/etc/role is packed twice',
    )
  })

  it('ends at a multiple of 4, so that another archive can follow', () => {
    expect(packCpio([{ path: 'a', kind: 'file', data: Buffer.from('odd') }]).length % 4).toBe(0)
  })
})
