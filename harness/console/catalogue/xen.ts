// SPDX-License-Identifier: Apache-2.0
import { type FailureRow, xen } from './row.ts'

/** machine_restart(), or `noreboot`: the end of panic() in xen/drivers/char/console.c. */
const LAST = /^Reboot in five seconds|^Manual reset required/

/** Xen's own failures, and what it says of a guest that it kills. */
export const XEN_FAILURES: readonly FailureRow[] = [
  // panic(): xen/drivers/char/console.c
  xen({
    kind: 'xen-panic',
    word: 'Panic on CPU',
    start: /^Panic on CPU \d+:/,
    titles: ['Xen panic: {what}', 'Xen panic'],
    details: { what: /^(?!\*+$|Panic on CPU)(\S.*)/ },
    continues: ['xen-bug', 'xen-assertion', 'xen-trap', 'xen-watchdog'],
    end: LAST,
  }),
  // do_bug_frame(): xen/common/bug.c; the panic that follows says the same again
  xen({
    kind: 'xen-bug',
    word: 'Xen BUG at ',
    start: /^Xen BUG at (?<file>\S+?):\d+/,
    titles: ['Xen BUG at {file}'],
    continues: ['xen-bug', 'xen-panic'],
    end: LAST,
  }),
  xen({
    kind: 'xen-warn',
    word: 'Xen WARN at ',
    start: /^Xen WARN at (?<file>\S+?):\d+/,
    titles: ['Xen WARN at {file}'],
  }),
  xen({
    kind: 'xen-assertion',
    word: "' failed at ",
    start: /^Assertion '(?<what>.*)' failed at/,
    titles: ['Xen assertion failed: {what}'],
    continues: ['xen-assertion', 'xen-panic'],
    end: LAST,
  }),
  // do_trap_hyp_sync(), do_unexpected_trap(): xen/arch/arm/traps.c; a panic follows that says the same
  xen({
    kind: 'xen-trap',
    word: ' Trap. ',
    start: /^(?:Hypervisor|Data Abort|Instruction Abort) Trap\. (?:HSR|Syndrome)=/,
    titles: ['Xen: unexpected trap: {what} in {frame}', 'Xen: unexpected trap in {frame}'],
    details: { what: /^CPU\d+: Unexpected Trap: (.*)/ },
    end: LAST,
  }),
  xen({
    kind: 'xen-trap',
    word: 'Unexpected Trap: ',
    start: /^CPU\d+: Unexpected Trap: (?<what>.*)/,
    titles: ['Xen: unexpected trap: {what} in {frame}'],
    continues: ['xen-trap', 'xen-panic'],
    end: LAST,
  }),
  xen({
    kind: 'xen-trap',
    word: 'unexpected exception in hyp mode',
    start: /^(?<what>unexpected exception in hyp mode)/i,
    titles: ['Xen: {what}'],
  }),
  // watchdog_domain in xen/common/sched/core.c, nmi_watchdog_tick in xen/arch/x86/nmi.c
  xen({
    kind: 'xen-watchdog',
    word: 'Watchdog timer ',
    start: /^Watchdog timer .*(?:fired|detects that CPU\d+ is stuck)/,
    titles: ['Xen watchdog fired'],
  }),
  xen({
    kind: 'xen-watchdog',
    word: ' watchdog fired',
    start: /^Domain (?<domid>\d+) watchdog fired/i,
    titles: ['the watchdog of domain {domid} fired'],
  }),
  // do_trap_stage2_abort_guest(), do_trap_guest_sync(): xen/arch/arm/traps.c; it injects an abort, or kills the guest
  xen({
    kind: 'xen-guest-abort',
    word: 'traps.c:',
    start: /^\S*traps\.c:\d+:d(?<domid>\d+)v\d+ HSR=\S+ pc=\S+ gva=\S+ gpa=\S+/,
    titles: ['domain {domid} touched memory that it does not have'],
  }),
  // domain_crash(), __domain_crash(): xen/common/domain.c, xen/include/xen/sched.h
  xen({
    kind: 'domain-crash',
    word: 'domain_crash called from ',
    start: /^domain_crash called from (?<file>\S+?):\d+/,
    titles: ['domain {domid} crashed, by {file}', 'domain_crash called from {file}'],
    details: { domid: /^Domain (\d+) \(vcpu#\d+\) crashed on cpu/ },
    continues: ['xen-guest-abort'],
  }),
  xen({
    kind: 'domain-crash',
    word: 'crashed on cpu',
    start: /^Domain (?<domid>\d+) \(vcpu#\d+\) crashed on cpu/,
    titles: ['domain {domid} crashed'],
    continues: ['domain-crash', 'xen-guest-abort'],
  }),
  xen({
    kind: 'domain-crash',
    word: 'Hardware Dom',
    start: /^Hardware Dom(?<domid>\d+) crashed/,
    titles: ['hardware domain {domid} crashed'],
    continues: ['domain-crash'],
  }),
  // domain_shutdown(): xen/common/sched/core.c and hwdom_shutdown(): xen/common/shutdown.c
  xen({
    kind: 'domain-crash',
    word: 'reported crash',
    start: /^Domain (?<domid>\d+) reported crashed? by domain/,
    titles: ['domain {domid} crashed'],
  }),
  // hwdom_shutdown(): xen/common/shutdown.c; the machine ends with it
  xen({
    kind: 'hardware-domain-ended',
    word: 'Hardware Dom',
    start: /^Hardware Dom(?<domid>\d+) shutdown: (?<what>(?:watchdog )?(?:rebooting|halting) machine)/,
    titles: ['hardware domain {domid} shut down: {what}'],
  }),
  // do_reboot_machine(): xen/common/keyhandler.c
  xen({
    kind: 'xen-reboot',
    word: "' pressed -> rebooting machine",
    start: /^'(?<key>.)' pressed -> rebooting machine/,
    titles: ['Xen: rebooting machine, by debug key {key}'],
  }),
]
