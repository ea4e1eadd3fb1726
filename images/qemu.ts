// SPDX-License-Identifier: Apache-2.0
import { mkdir, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { HOST_ARCH, type Package } from './apt.ts'
import { baseName, librariesByName, type PackedFile, readDeb } from './deb.ts'
import { interpreter, LOADED_LATE, libraryClosure } from './elf.ts'
import { packageHashes, upstreamVersion } from './packages.ts'
import type { Recipe, Work } from './store.ts'
import type { Qemu } from './types.ts'

const RECIPE = 2
const PACKAGE = 'qemu-system-arm'
const PROGRAM = 'usr/bin/qemu-system-aarch64'

/** Option ROMs of the network cards; the firmware of other machines is not needed, and virt boots without any. */
const SHARE = /^usr\/(share\/qemu|lib\/ipxe\/qemu)\/(efi-[^/]+\.rom)$/
const LIBRARY = /^(usr\/)?lib(64)?\/.*\.so(\.[\w.-]+)?$/

/** QEMU of a newer release than the host's, with its own libraries and loader, in a folder of its own. */
export function qemuRecipe(packages: readonly Package[]): Recipe {
  return {
    kind: 'qemu',
    step: 'QEMU',
    version: upstreamVersion(packages, PACKAGE),
    space: 250e6,
    inputs: { recipe: RECIPE, hostArch: HOST_ARCH, packages: packageHashes(packages) },
    packages,
    build: unpackQemu,
  }
}

async function unpackQemu(into: string, { debs, advance }: Work): Promise<void> {
  const files: PackedFile[] = []
  for (const [index, deb] of debs.entries()) {
    advance({ done: index, total: debs.length, unit: 'packages' }, 'unpacking')
    files.push(...(await readDeb(deb, (path) => path === PROGRAM || SHARE.test(path) || LIBRARY.test(path))))
  }
  const program = files.find(({ path }) => path === PROGRAM)
  if (!program) throw new Error(`no package brings ${PROGRAM}`)
  const libraries = librariesByName(files.filter(({ path }) => LIBRARY.test(path)))
  const loader = basename(interpreter(program.data) ?? '')
  await writeAll(into, 'bin', [['qemu-system-aarch64', program.data]])
  await writeAll(
    into,
    'lib',
    [...new Set([loader, LOADED_LATE, ...libraryClosure([program.data], libraries)])].map((name) => [
      name,
      libraries.get(name),
    ]),
  )
  await writeAll(
    into,
    'share',
    files
      .filter(({ path, link }) => SHARE.test(path) && link === undefined)
      .map(({ path, data }) => [baseName(path), data]),
  )
}

async function writeAll(into: string, folder: string, files: [string, Buffer | undefined][]): Promise<void> {
  await mkdir(join(into, folder), { recursive: true })
  for (const [name, data] of files) {
    if (!data) throw new Error(`no package brings ${name}`)
    await writeFile(join(into, folder, name), data, { mode: 0o755 })
  }
}

const LOADERS = { amd64: 'ld-linux-x86-64.so.2', arm64: 'ld-linux-aarch64.so.1' }

/** QEMU in its entry. What forks it is no part of that. */
export function describeQemu(entry: string, packages: readonly Package[]): Omit<Qemu, 'forkServer'> {
  const lib = join(entry, 'lib')
  return {
    command: [
      join(lib, LOADERS[HOST_ARCH]),
      '--library-path',
      lib,
      join(entry, 'bin/qemu-system-aarch64'),
      '-L',
      join(entry, 'share'),
    ],
    version: upstreamVersion(packages, PACKAGE),
    id: basename(entry),
  }
}
