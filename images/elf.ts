// SPDX-License-Identifier: Apache-2.0

/** Constants of the ELF specification (System V ABI, chapters 4 and 5), 64-bit little-endian. */
const ELF = {
  magic: 0x464c457f,
  class64: 2,
  phoff: 32,
  phentsize: 54,
  phnum: 56,
  ptLoad: 1,
  ptDynamic: 2,
  ptInterp: 3,
  dtNeeded: 1n,
  dtStrtab: 5n,
} as const

interface Segment {
  type: number
  offset: number
  vaddr: bigint
  filesz: number
}

/** Names of the shared libraries that a program or library asks for; none for what is not a dynamic ELF file. */
export function neededLibraries(file: Buffer): string[] {
  const segments = readSegments(file)
  const dynamic = segments.find(({ type }) => type === ELF.ptDynamic)
  if (!dynamic) return []
  const entries: { tag: bigint; value: bigint }[] = []
  for (let at = dynamic.offset; at + 16 <= dynamic.offset + dynamic.filesz; at += 16) {
    entries.push({ tag: file.readBigUInt64LE(at), value: file.readBigUInt64LE(at + 8) })
  }
  const strtab = entries.find(({ tag }) => tag === ELF.dtStrtab)?.value
  const load = segments.find(
    ({ type, vaddr, filesz }) =>
      type === ELF.ptLoad && strtab !== undefined && strtab >= vaddr && strtab < vaddr + BigInt(filesz),
  )
  if (strtab === undefined || !load) return []
  const strings = load.offset + Number(strtab - load.vaddr)
  return entries
    .filter(({ tag }) => tag === ELF.dtNeeded)
    .map(({ value }) => {
      const start = strings + Number(value)
      return file.toString('latin1', start, file.indexOf(0, start))
    })
}

/** Path of the loader that a program asks for. */
export function interpreter(file: Buffer): string | undefined {
  const segment = readSegments(file).find(({ type }) => type === ELF.ptInterp)
  return segment && file.toString('latin1', segment.offset, segment.offset + segment.filesz - 1)
}

function readSegments(file: Buffer): Segment[] {
  if (file.length < 64 || file.readUInt32LE(0) !== ELF.magic || file[4] !== ELF.class64) return []
  const start = Number(file.readBigUInt64LE(ELF.phoff))
  const size = file.readUInt16LE(ELF.phentsize)
  return Array.from({ length: file.readUInt16LE(ELF.phnum) }, (_, index) => {
    const at = start + index * size
    return {
      type: file.readUInt32LE(at),
      offset: Number(file.readBigUInt64LE(at + 8)),
      vaddr: file.readBigUInt64LE(at + 16),
      filesz: Number(file.readBigUInt64LE(at + 32)),
    }
  })
}

/** The C library loads it by name when a thread ends or is cancelled, and aborts the program where it is missing. */
export const LOADED_LATE = 'libgcc_s.so.1'

/**
 * The files among `pool` (by base name) that the roots need, directly or through others, in the order found.
 * @throws {Error} a library is in none of the packages
 */
export function libraryClosure(roots: readonly Buffer[], pool: ReadonlyMap<string, Buffer>): string[] {
  const found = new Set<string>()
  const queue = [...roots]
  for (let file = queue.pop(); file; file = queue.pop()) {
    for (const name of neededLibraries(file)) {
      if (found.has(name)) continue
      const library = pool.get(name)
      if (!library) throw new Error(`no package brings the library ${name}`)
      found.add(name)
      queue.push(library)
    }
  }
  return [...found]
}
