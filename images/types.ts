// SPDX-License-Identifier: Apache-2.0

export interface Qemu {
  /** The start of the argv that runs qemu-system-aarch64: loader, --library-path, …, -L share. */
  command: string[]
  /**
   * Path of the library (`images/host/fork-server.c`) that this loader preloads where QEMU is to be loaded once for many boards. The machine does
   * not depend on it, and so neither does `id`.
   */
  forkServer: string
  /** Upstream version, such as "11.1.3". */
  version: string
  /** Name of its cache entry: changes with anything that went into it. */
  id: string
}

export interface Kernel {
  /** Path of the arm64 Image. */
  image: string
  /** ELF with symbols, where the kernel was built here or lies in a build tree. */
  vmlinux?: string
  /** As `uname -r` says it; "unknown" for an Image without a build tree around it. */
  release: string
  /** Object tree good enough for `make -C … M=… modules`. */
  buildTree?: string
  /** Driver name, as its folder spells it → path of its .ko for this kernel. */
  modules: Record<string, string>
  id: string
  /** What a person calls it: the SPEC that was asked for. */
  label: string
}

export interface Xen {
  /** Path of the arm64 hypervisor image, prepared for the QEMU beside it. */
  image: string
  version: string
  /** WFE → YIELD replacements made, see images/xen.ts. */
  wfeReplaced: number
  id: string
}

export type Role = 'bare' | 'dom0' | 'domU'
export const ROLES: readonly Role[] = ['bare', 'dom0', 'domU']

export interface Images {
  qemu: Qemu
  kernel: Kernel
  xen: Xen
  /** Path of an uncompressed newc cpio per role; this kernel's drivers are in it as /lib/modules/guestrig/<name>.ko. */
  initramfs: Record<Role, string>
  /** Changes with anything that went into any of them. */
  id: string
}

export interface ImagesRequest {
  /**
   * '6.12' (the default): built here from the distribution's source; '6.12+no-of-dynamic': with a fragment of
   * images/kernel/ on top; or the path of an Image.
   */
  kernel?: string | undefined
  /** '4.20' (the default) or the path of a hypervisor image. */
  xen?: string | undefined
  /** Folder of the cache; default: GUESTRIG_CACHE, or guestrig in the user's cache folder. */
  cache?: string | undefined
  /** Base address of a Debian mirror; default: GUESTRIG_MIRROR, or the one that the host's apt uses. */
  mirror?: string | undefined
}
