// SPDX-License-Identifier: Apache-2.0
import type { Package } from './apt.ts'

/**
 * Which packages an image is made from. The versions are not named here: the suites have them, and what they had is
 * recorded in the cache until somebody types `guestrig setup --update`.
 */
export interface PackageSet {
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

export function packageSet(name: SetName): PackageSet {
  if (name === 'qemu') return QEMU
  if (name === 'xen') return XEN
  if (name === 'guest-tools') return GUEST_TOOLS
  return kernelSource(name.slice('linux-'.length))
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
