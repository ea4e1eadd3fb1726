// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process'
import { extract } from 'tar-stream'

/** A file or link of a package; directories are left to whoever writes the files. */
export interface PackedFile {
  /** Without a leading "./" or "/". */
  path: string
  mode: number
  data: Buffer
  /** Target of a symbolic link. */
  link?: string
}

/** The files of a .deb whose paths are wanted, hard links resolved. */
export async function readDeb(deb: string, wanted: (path: string) => boolean): Promise<PackedFile[]> {
  const unpack = spawn('dpkg-deb', ['--fsys-tarfile', deb], { stdio: ['ignore', 'pipe', 'pipe'] })
  const ended = new Promise<number>((resolve, reject) => {
    unpack.once('error', reject)
    unpack.once('close', (code) => resolve(code ?? 1))
  })
  let complaint = ''
  unpack.stderr.on('data', (chunk: Buffer) => {
    complaint += chunk.toString()
  })
  const files: PackedFile[] = []
  const entries = extract()
  unpack.stdout.pipe(entries)
  for await (const entry of entries) {
    const { name, type, mode = 0o644, linkname } = entry.header
    const path = name.replace(/^\.?\//, '')
    if ((type !== 'file' && type !== 'symlink' && type !== 'link') || !wanted(path)) {
      entry.resume()
      continue
    }
    const chunks: Buffer[] = []
    for await (const chunk of entry) chunks.push(chunk as Buffer)
    if (type === 'symlink') files.push({ path, mode: 0o777, data: Buffer.alloc(0), link: linkname ?? '' })
    else if (type === 'file') files.push({ path, mode, data: Buffer.concat(chunks) })
    else {
      const target = files.find((file) => file.path === (linkname ?? '').replace(/^\.?\//, ''))
      if (target) files.push({ ...target, path })
    }
  }
  if ((await ended) !== 0) throw new Error(`dpkg-deb cannot read ${deb}: ${complaint.trim()}`)
  return files
}

/** The shared libraries among files, by base name, links followed to what they name. */
export function librariesByName(files: readonly PackedFile[]): Map<string, Buffer> {
  // A link may bear its target's own name, in another folder.
  const isLink = ({ link }: PackedFile) => Number(link !== undefined)
  const regularLast = [...files].sort((a, b) => isLink(b) - isLink(a))
  const byName = new Map(regularLast.map((file) => [baseName(file.path), file]))
  const libraries = new Map<string, Buffer>()
  for (const [name, file] of byName) {
    let target: PackedFile | undefined = file
    for (let hops = 0; target?.link !== undefined && hops < 8; hops++)
      target = byName.get(baseName(target.link))
    if (target && target.link === undefined) libraries.set(name, target.data)
  }
  return libraries
}

export const baseName = (path: string) => path.slice(path.lastIndexOf('/') + 1)
