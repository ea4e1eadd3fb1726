// SPDX-License-Identifier: Apache-2.0
/**
 * What a failure looks like on a console: one row a kind. A new failure is a new row, never new control flow. Sources: the
 * kernel's `kernel/panic.c`, `arch/arm64/kernel/traps.c`, `lib/bug.c`, `kernel/hung_task.c`, `kernel/watchdog.c`,
 * `kernel/rcu/tree_stall.h`; Xen's `xen/drivers/char/console.c`, `xen/common/domain.c`, `xen/arch/arm/traps.c`.
 */

export interface FailureRow {
  kind: string
  /** Where it is printed. */
  by: 'linux' | 'xen' | 'init'
  /** The first line of a report; group 1, where there is one, goes into the title. */
  start: RegExp
  title: string
  /** `error` where it is the image's fault and not the guest's. */
  verdict: 'crash' | 'error'
}

/** printk's time stamp, and what may stand before the text. */
const T = String.raw`^(?:\[\s*\d+\.\d+\](?:\[[^\]]*\])? )?`

const linux = (kind: string, pattern: string, title: string): FailureRow => ({
  kind,
  by: 'linux',
  start: new RegExp(T + pattern),
  title,
  verdict: 'crash',
})

const xen = (kind: string, pattern: string, title: string): FailureRow => ({
  kind,
  by: 'xen',
  start: new RegExp(pattern),
  title,
  verdict: 'crash',
})

export const CATALOGUE: readonly FailureRow[] = [
  linux('panic', 'Kernel panic - not syncing: (.*)', 'kernel panic: $1'),
  linux('oops', '(Unable to handle kernel .*?) at virtual address', '$1'),
  linux('oops', 'Internal error: (.*?): [0-9a-f]+ \\[#', 'Internal error: $1'),
  linux('bug', 'kernel BUG at (\\S+?):\\d+!', 'kernel BUG at $1'),
  linux('bug', 'BUG: (.*)', 'BUG: $1'),
  linux('warning', 'WARNING: CPU: \\d+ PID: \\d+ at (\\S+?):\\d+', 'WARNING in $1'),
  linux('lockdep', 'WARNING: (possible .*|suspicious RCU usage.*|inconsistent lock state.*)', 'WARNING: $1'),
  linux('hung-task', 'INFO: task (\\S+?):\\d+ blocked for more than', 'INFO: task hung: $1'),
  linux('rcu-stall', 'rcu: INFO: (rcu_\\w+ (?:self-)?detected (?:expedited )?stalls?)', 'INFO: $1'),
  xen('xen-panic', '^Panic on CPU \\d+:', 'Xen panic'),
  xen('xen-bug', '^Xen BUG at (\\S+?):\\d+', 'Xen BUG at $1'),
  xen('xen-warn', '^Xen WARN at (\\S+?):\\d+', 'Xen WARN at $1'),
  xen('xen-assertion', "^Assertion '(.*)' failed at", 'Xen assertion failed: $1'),
  xen('domain-crash', '^Domain (\\d+) \\(vcpu#\\d+\\) crashed on cpu', 'domain $1 crashed'),
  xen('domain-crash', '^domain_crash called from (\\S+?):\\d+', 'domain_crash called from $1'),
  xen('domain-crash', '^Hardware Dom(\\d+) crashed', 'hardware domain $1 crashed'),
  xen('xen-trap', '^CPU\\d+: Unexpected Trap: (.*)', 'Xen: unexpected trap: $1'),
  xen('xen-watchdog', '^Watchdog timer .* fired', 'Xen watchdog fired'),
  {
    kind: 'init',
    by: 'init',
    start: /guestrig-init: failed: (.*)/,
    title: "the image's init failed: $1",
    verdict: 'error',
  },
  {
    kind: 'agent',
    by: 'init',
    start: /guestrig-agent: (.*)/,
    title: 'the agent failed: $1',
    verdict: 'error',
  },
]
