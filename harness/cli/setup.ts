// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander'

interface SetupOptions {
  kernel?: string
  xen?: string
  update?: boolean
}

export function registerSetup(program: Command): void {
  program
    .command('setup')
    .description('fetches and builds what the platforms need; can be interrupted and repeated')
    .option(
      '--kernel <spec>',
      "the guest's kernel: a version such as 6.12, 6.12+no-of-dynamic, or the path of an Image",
    )
    .option('--xen <spec>', 'the hypervisor: a version such as 4.20, or the path of an image')
    .option('--update', 'asks the mirror for newer packages')
    .action(async (options: SetupOptions) => {
      const { setUpAll } = await import('./set-up-with-progress.ts')
      const { warningsAbout } = await import('../../images/index.ts')
      const start = performance.now()
      const { images, made } = await setUpAll(options)
      for (const warning of warningsAbout(images)) process.stderr.write(`warning: ${warning}\n`)
      const { qemu, kernel, xen } = images
      const seconds = ((performance.now() - start) / 1000).toFixed(1)
      const what = `QEMU ${qemu.version}, Linux ${kernel.release}, Xen ${xen.version}`
      process.stdout.write(
        made > 0 ? `set up in ${seconds} s: ${what}\n` : `nothing to do: ${what} are there (${seconds} s)\n`,
      )
    })
}
