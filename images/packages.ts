// SPDX-License-Identifier: Apache-2.0
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { HOST_ARCH, type Package, PrivateApt } from './apt.ts'
import { HostProblem } from './problem.ts'

/**
 * Which packages an image is made from. The versions are not named here: the suites have them, and what they had is
 * recorded in the cache until somebody types `guestrig setup --update`.
 */
interface PackageSet {
  /** The suite that wins. */
  suite: string
  names: string[]
  /** Also what they depend on, as far as `keep` wants it. */
  dependencies: boolean
  keep?: (found: Package) => boolean
}

/** QEMU ≥ 10.1 is needed for vfio-user; trixie itself has 10.0. */
const QEMU: PackageSet = {
  suite: 'trixie-backports',
  names: ['qemu-system-arm'],
  dependencies: true,
  // Programs that configure a whole system are of no use in a prefix; the ELF closure sorts the libraries out.
  keep: ({ name }) => /^(lib(?!pam|semanage|sepol|audit|debconf)|qemu-system-|ipxe-qemu|zlib1g)/.test(name),
}

const XEN_SERIES = '4.20'

/** The series of the hypervisor and of dom0's tools, which must be the same. */
export const XEN_VERSION = XEN_SERIES

const XEN: PackageSet = {
  suite: 'trixie',
  names: [`xen-hypervisor-${XEN_SERIES}-arm64:arm64`],
  dependencies: false,
}

const GUEST_TOOLS: PackageSet = {
  suite: 'trixie',
  names: [`xen-utils-${XEN_SERIES}:arm64`, 'xenstore-utils:arm64', 'busybox-static:arm64'],
  dependencies: true,
  keep: ({ name, arch }) =>
    arch === 'arm64' &&
    /^(lib|zlib1g|busybox-static|xenstore-utils|xen-utils-\d)/.test(name) &&
    !/^lib(python|perl|ssl|sqlite|readline|db5)/.test(name),
}

/** A kernel's source: the suites above have most, bookworm has 6.1. */
const kernelSource = (version: string): PackageSet => ({
  suite: version === '6.1' ? 'bookworm' : 'trixie-backports',
  names: [`linux-source-${version}`],
  dependencies: false,
})

export type SetName = 'qemu' | 'xen' | 'guest-tools' | `linux-${string}`

function packageSet(name: SetName): PackageSet {
  if (name === 'qemu') return QEMU
  if (name === 'xen') return XEN
  if (name === 'guest-tools') return GUEST_TOOLS
  return kernelSource(name.slice('linux-'.length))
}

const SUITES = ['trixie', 'trixie-backports']

/** What the mirror had when it was last asked: the one thing in the cache that is not named by a hash. */
export interface Resolved {
  /** ISO 8601. */
  at: string
  hostArch: string
  sets: Partial<Record<SetName, Package[]>>
}

const RECORD = 'packages.json'

/** The record, or undefined where nothing was resolved yet. */
export async function readResolved(cache: string): Promise<Resolved | undefined> {
  try {
    const record = JSON.parse(await readFile(join(cache, RECORD), 'utf8')) as Resolved
    return record.hostArch === HOST_ARCH ? record : undefined
  } catch {
    return undefined
  }
}

/** Asks the mirror for the sets that the record lacks, and records them. */
export async function resolvePackages(
  cache: string,
  mirror: string,
  known: Resolved | undefined,
  wanted: readonly SetName[],
  signal?: AbortSignal,
): Promise<Resolved> {
  const missing = wanted.filter((name) => !known?.sets[name])
  const suites = [...new Set([...SUITES, ...missing.map((name) => packageSet(name).suite)])]
  const apt = new PrivateApt(aptFolder(cache), mirror, suites)
  await apt.update(signal)
  const sets = { ...known?.sets }
  for (const name of missing) {
    const { suite, names, dependencies, keep } = packageSet(name)
    const found = dependencies
      ? await apt.closure(names, suite, signal)
      : await apt.files(names, suite, signal)
    const kept = keep ? found.filter(keep) : found
    if (kept.length === 0) {
      throw new HostProblem(
        `the mirror ${mirror} has no package ${names.join(', ')}`,
        'set GUESTRIG_MIRROR to a complete Debian mirror, then repeat the command',
      )
    }
    sets[name] = kept.sort((a, b) => (a.name < b.name ? -1 : 1))
  }
  const resolved: Resolved = { at: new Date().toISOString(), hostArch: HOST_ARCH, sets }
  const file = join(cache, RECORD)
  await writeFile(`${file}.new`, `${JSON.stringify(resolved, null, 1)}\n`)
  await rename(`${file}.new`, file)
  return resolved
}

export function aptFolder(cache: string): string {
  return join(cache, 'apt')
}

/** What of a set names an image made from it. */
export function packageHashes(set: readonly Package[]): string[] {
  return set.map(({ name, arch, version, sha256 }) => `${name}:${arch}=${version} ${sha256}`)
}

/** "11.1.3" of "1:11.1.3+ds-1~bpo13+1": without Debian's epoch and revision. */
export function upstreamVersion(set: readonly Package[], name: string): string {
  const version = set.find((found) => found.name === name)?.version ?? ''
  return /^(?:\d+:)?(\d+(?:\.\d+)*)/.exec(version)?.[1] ?? 'unknown'
}
