// SPDX-License-Identifier: Apache-2.0
import { type Command, Option } from 'commander'
import type { ShellOptions } from './shell/session.ts'
import { UsageError } from './usage.ts'

const KEYS = `
Keys. Ctrl-], as in telnet and xl console, then:
  n       the next console            1 … 9   the console of that number
  ?       which consoles there are    q       end the board and leave
  Ctrl-]  sends one Ctrl-] to the guest
Everything else goes to the guest, Ctrl-C too. On xen the last console is the hypervisor's own: what is typed there
are its debug keys.

Exit status: 0 after q, or when the guest switched the machine off; 1 when a guest crashed; 125 when it could not be tried;
130 when it was interrupted.`

export function registerShell(program: Command): void {
  program
    .command('shell')
    .description("a board with its consoles in this terminal, one at a time; Ctrl-] is the harness's key")
    .addOption(new Option('--platform <name>', 'what is emulated').choices(['virt', 'xen']).default('xen'))
    .option('--kernel <spec>', "the guest's kernel: a version such as 6.12, or the path of an Image")
    .option('--xen <spec>', 'the hypervisor: a version such as 4.20, or the path of an image')
    .option('--no-dom0', 'xen: without a dom0, true dom0less')
    .option('--out <dir>', "the run's folder (default: a new one in guestrig-runs/)")
    .addHelpText('after', KEYS)
    .action(async (options: ShellOptions) => {
      if (!process.stdin.isTTY || !process.stdout.isTTY)
        throw new UsageError(
          'shell needs a terminal for its input and its output; guestrig run is for everything else',
        )
      if (!options.dom0 && options.platform === 'virt')
        throw new UsageError('--no-dom0 says nothing on virt, which has no Xen')
      const { runShell } = await import('./shell/session.ts')
      process.exitCode = await runShell(options)
    })
}
