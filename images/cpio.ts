// SPDX-License-Identifier: Apache-2.0

/** One member of an initramfs. Everything belongs to root, and no time is recorded. */
export type Member =
  | { path: string; kind: 'file'; data: Buffer; executable?: boolean }
  | { path: string; kind: 'folder' }
  | { path: string; kind: 'link'; target: string }
  | { path: string; kind: 'character device'; major: number; minor: number }

/** File types of st_mode (POSIX <sys/stat.h>), with the permissions that each kind gets. */
const MODE = { file: 0o100644, program: 0o100755, folder: 0o040755, link: 0o120777, device: 0o020600 }

const TRAILER = 'TRAILER!!!'

/**
 * An uncompressed "newc" archive (linux/Documentation/driver-api/early-userspace/buffer-format.rst): members sorted by
 * path, the folders above them added, so that the same members always give the same bytes.
 */
export function packCpio(members: readonly Member[]): Buffer {
  const byPath = new Map<string, Member>()
  for (const member of members) {
    for (let up = parent(member.path); up; up = parent(up)) {
      if (!byPath.has(up)) byPath.set(up, { path: up, kind: 'folder' })
    }
    const there = byPath.get(member.path)
    if (there && !(there.kind === 'folder' && member.kind === 'folder')) {
      throw new Error(`/${member.path} is packed twice`)
    }
    byPath.set(member.path, member)
  }
  const sorted = [...byPath.values()].sort((a, b) => (a.path < b.path ? -1 : 1))
  const parts = sorted.flatMap((member, index) => pack(member, index + 1))
  return Buffer.concat([...parts, ...record(TRAILER, 0, 0, Buffer.alloc(0))])
}

function parent(path: string): string {
  return path.slice(0, Math.max(path.lastIndexOf('/'), 0))
}

function pack(member: Member, inode: number): Buffer[] {
  const { path } = member
  const nothing = Buffer.alloc(0)
  if (member.kind === 'folder') return record(path, inode, MODE.folder, nothing)
  if (member.kind === 'link') return record(path, inode, MODE.link, Buffer.from(member.target))
  if (member.kind === 'file')
    return record(path, inode, member.executable ? MODE.program : MODE.file, member.data)
  return record(path, inode, MODE.device, nothing, member.major, member.minor)
}

/** Header of 110 bytes, name with a final NUL, data; name and data each end at a multiple of 4. */
function record(path: string, inode: number, mode: number, data: Buffer, major = 0, minor = 0): Buffer[] {
  const name = Buffer.from(`${path}\0`)
  const links = 1
  const fields = [inode, mode, 0, 0, links, 0, data.length, 0, 0, major, minor, name.length, 0]
  const header = Buffer.from(`070701${fields.map((field) => field.toString(16).padStart(8, '0')).join('')}`)
  return [header, name, padding(header.length + name.length), data, padding(data.length)]
}

function padding(length: number): Buffer {
  return Buffer.alloc((4 - (length % 4)) % 4)
}
