// SPDX-License-Identifier: Apache-2.0
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Package } from './apt.ts'
import { type Member, packCpio } from './cpio.ts'
import { baseName, librariesByName, type PackedFile, readDeb } from './deb.ts'
import { interpreter, LOADED_LATE, libraryClosure } from './elf.ts'
import { packageHashes, upstreamVersion, XEN_VERSION } from './packages.ts'
import type { Recipe, Work } from './store.ts'
import { ROLES, type Role } from './types.ts'

const RECIPE = 3

/** Where Debian keeps the tools that match one hypervisor series. */
const XEN_BIN = `usr/lib/xen-${XEN_VERSION}/bin`
const LIBRARY = /^(usr\/)?lib\/.*\.so(\.[\w.-]+)?$/
const LIBRARY_FOLDER = 'usr/lib/aarch64-linux-gnu'

const STORE_TOOLS = ['read', 'write', 'watch']

/** Programs from the packages: path in the package. */
const PROGRAMS: Record<Role, string[]> = {
  bare: [],
  dom0: [
    ...['xl', 'xenstored', 'xenconsoled', 'xen-init-dom0', 'init-dom0less'].map(
      (name) => `${XEN_BIN}/${name}`,
    ),
    ...[...STORE_TOOLS, 'ls', 'rm', 'exists', 'list', 'chmod'].map((name) => `usr/bin/xenstore-${name}`),
  ],
  // A backend in a domU looks up its frontends.
  domU: STORE_TOOLS.map((name) => `usr/bin/xenstore-${name}`),
}

/** busybox finds the applet by the name that it is called by. */
const APPLETS = (
  'arp arping ash awk base64 basename cat chmod chown clear cmp cp cttyhack cut date dd devmem df diff dirname dmesg du ' +
  'echo egrep env expr false fgrep find free grep halt head hexdump hostname id ifconfig insmod ip kill killall less ln ' +
  'losetup ls lsmod md5sum mkdir mke2fs mkfifo mknod mktemp modinfo modprobe more mount mv nc nproc nslookup od pidof ' +
  'ping poweroff printf ps pwd readlink realpath reboot reset rm rmdir rmmod route sed seq setsid sh sha1sum sha256sum ' +
  'sleep sort stat strings stty sync sysctl tac tail tar taskset tee test time timeout top touch tr true tty udhcpc ' +
  'umount uname uniq uptime usleep vi watch wc wget which xargs xxd yes zcat'
).split(' ')

/** Folders that the system expects, empty. */
const FOLDERS = 'dev proc sys tmp run root mnt etc lib/modules/guestrig var/log'.split(' ')
const XEN_FOLDERS = 'etc/xen var/lib/xen var/log/xen'.split(' ')

/** The part of each role's initramfs that comes from packages, as a cpio that the rest is appended to. */
export function guestToolsRecipe(packages: readonly Package[]): Recipe {
  return {
    kind: 'guest-tools',
    step: 'guest tools',
    version: upstreamVersion(packages, `xen-utils-${XEN_VERSION}`),
    space: 30e6,
    inputs: { recipe: RECIPE, packages: packageHashes(packages), programs: PROGRAMS, applets: APPLETS },
    packages,
    build: assembleTools,
  }
}

async function assembleTools(into: string, { debs, advance }: Work): Promise<void> {
  const files: PackedFile[] = []
  for (const [index, deb] of debs.entries()) {
    advance({ done: index, total: debs.length, unit: 'packages' }, 'unpacking')
    files.push(...(await readDeb(deb, (path) => /(^|\/)s?bin\//.test(path) || LIBRARY.test(path))))
  }
  const libraries = librariesByName(files.filter(({ path }) => LIBRARY.test(path)))
  for (const role of ROLES) {
    await writeFile(baseCpio(into, role), packCpio([...common(files), ...ofRole(role, files, libraries)]))
  }
}

/** Path of what a role gets from packages, in the entry. */
export const baseCpio = (entry: string, role: Role) => join(entry, `${role}.cpio`)

function common(files: readonly PackedFile[]): Member[] {
  return [
    ...FOLDERS.map((path): Member => ({ path, kind: 'folder' })),
    { path: 'var/run', kind: 'link', target: '/run' },
    { path: 'dev/console', kind: 'character device', major: 5, minor: 1 },
    { path: 'dev/null', kind: 'character device', major: 1, minor: 3 },
    { path: 'bin/busybox', kind: 'file', executable: true, data: busybox(files) },
    ...APPLETS.map((name): Member => ({ path: `bin/${name}`, kind: 'link', target: 'busybox' })),
  ]
}

/** The program, checked to have the applets: a dangling name would look like a failing command in a scenario. */
function busybox(files: readonly PackedFile[]): Buffer {
  const { data } = find(files, 'usr/bin/busybox')
  const missing = APPLETS.filter((name) => !data.includes(`\0${name}\0`))
  if (missing.length > 0) throw new Error(`this busybox has no ${missing.join(', ')}`)
  return data
}

/** What init-dom0less of Xen 4.20 writes for each processor of a domU but the first (tools/helpers/init-dom0less.c). */
const REFUSED = 'cpu/%u/availability/\0'

/**
 * A program that does what it is meant to. xenstored refuses a path that ends in a slash, so init-dom0less gives up on every domU with more than
 * one processor.
 */
function mended(path: string, program: Buffer): Buffer {
  const at = program.indexOf(REFUSED)
  if (baseName(path) !== 'init-dom0less' || at < 0) return program
  const copy = Buffer.from(program)
  copy[at + REFUSED.indexOf('/\0')] = 0
  return copy
}

function ofRole(role: Role, files: readonly PackedFile[], libraries: Map<string, Buffer>): Member[] {
  const programs = PROGRAMS[role].map((path) => ({ path, data: mended(path, find(files, path).data) }))
  const roots = programs.map(({ data }) => data)
  const loader = roots.map(interpreter).find(Boolean)
  const needed = new Set(roots.length > 0 ? [LOADED_LATE, ...libraryClosure(roots, libraries)] : [])
  if (loader) needed.delete(baseName(loader))
  return [
    ...(role === 'dom0' ? XEN_FOLDERS.map((path): Member => ({ path, kind: 'folder' })) : []),
    ...(role === 'dom0'
      ? [{ path: 'etc/xen/xl.conf', kind: 'file', data: Buffer.alloc(0) } satisfies Member]
      : []),
    ...programs.map(({ path, data }): Member => ({ path, kind: 'file', executable: true, data })),
    // Debian's /usr/bin/xl is a shell script that chooses among series; here there is one.
    ...programs
      .filter(({ path }) => path.startsWith(XEN_BIN))
      .map(({ path }): Member => ({ path: `usr/sbin/${baseName(path)}`, kind: 'link', target: `/${path}` })),
    ...[...needed].map(
      (name): Member => ({ path: `${LIBRARY_FOLDER}/${name}`, kind: 'file', data: library(libraries, name) }),
    ),
    ...(loader
      ? [
          {
            path: loader.slice(1),
            kind: 'file',
            executable: true,
            data: library(libraries, baseName(loader)),
          } as const,
        ]
      : []),
  ]
}

function library(libraries: Map<string, Buffer>, name: string): Buffer {
  const data = libraries.get(name)
  if (!data) throw new Error(`no package brings the library ${name}`)
  return data
}

function find(files: readonly PackedFile[], path: string): PackedFile {
  const file = files.find((candidate) => candidate.path === path)
  if (!file || file.link !== undefined) throw new Error(`no package brings /${path}`)
  return file
}
