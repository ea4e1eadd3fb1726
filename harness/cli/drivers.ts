// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander'
import { Exit } from './usage.ts'

/** The oldest and the newest kernel that Debian has a source of, the default, and one whose device tree is fixed. */
const KERNELS = ['6.1', '6.12', '6.12+no-of-dynamic', '7.3']

export function registerDrivers(program: Command): void {
  program
    .command('drivers')
    .description(
      'builds every driver of drivers/ with W=1 and sparse against several kernels; a warning is a failure',
    )
    .argument(
      '[kernel...]',
      `versions, or paths of Images in their build trees (default: ${KERNELS.join(' ')})`,
    )
    .action(async (kernels: string[]) => {
      const { checkEveryDriver } = await import('./check-drivers.ts')
      const clean = await checkEveryDriver(kernels.length > 0 ? kernels : KERNELS)
      process.exitCode = clean ? Exit.ok : Exit.failed
    })
}
