// SPDX-License-Identifier: Apache-2.0
import type { PlatformName } from '../platform/index.ts'

/** Lines of the domain under test that a board prints on its own, so that the bare run reaches them as well. In the order of a boot. */
export const LINES = {
  /** `run_init_process` in the kernel's `init/main.c`: the kernel has started its first process. */
  initStarted: 'Run /init as init process',
  /** `credit_init_bits` in `drivers/char/random.c`: the guest's init has mounted its file systems and seeded the kernel. */
  initAtWork: 'random: crng init done',
  /**
   * `drivers/xen/privcmd.c`, when the domU first speaks to xenstored: dom0 is up, with its store and init-dom0less. Only newer
   * kernels print it.
   */
  storeReached: 'xen_privcmd: No target domain found',
} as const

export type Line = keyof typeof LINES

/** What there is to wait for on each platform, in order. */
export const LINES_OF: Record<PlatformName, readonly Line[]> = {
  virt: ['initStarted', 'initAtWork'],
  xen: ['initStarted', 'initAtWork', 'storeReached'],
}

/** What a scenario does besides; the bare run, with nobody to talk to its guests, reaches none of it. */
export type Step = 'qemuStarted' | 'domainsUp' | 'driverLoaded' | 'toggleAnswered' | 'stopped'

export type Milestone = Line | Step

/** In the order in which they are passed. */
export const MILESTONES: readonly Milestone[] = [
  'qemuStarted',
  'initStarted',
  'initAtWork',
  'storeReached',
  'domainsUp',
  'driverLoaded',
  'toggleAnswered',
  'stopped',
]
