// SPDX-License-Identifier: Apache-2.0
/**
 * Ties a process to the life of this one, even if this one is killed with SIGKILL: `setpriv --pdeathsig KILL` (util-linux) asks
 * the kernel to kill the process when its parent goes (`prctl(2)`, PR_SET_PDEATHSIG, kept across execve). If the parent had
 * gone before that was in force, the shell sees another parent and does not start the program.
 */
const CHECK_PARENT = '[ "$PPID" = "$1" ] || exit 1; shift; exec "$@"'

/** The argv that runs `command` so that it does not outlive this process. */
export function guarded(command: string[]): string[] {
  return [
    'setpriv',
    '--pdeathsig',
    'KILL',
    '--',
    'sh',
    '-c',
    CHECK_PARENT,
    'guard',
    String(process.pid),
    ...command,
  ]
}
