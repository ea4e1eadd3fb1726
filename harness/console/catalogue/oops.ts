// SPDX-License-Identifier: Apache-2.0
import { type FailureRow, linux } from './row.ts'

/** Kinds whose own line comes before the one that the die() of the architecture prints. */
const BEFORE_DIE = [
  'memory-access',
  'bug',
  'list-corruption',
  'stack-overflow',
  'usercopy',
  'rust-panic',
  'unhandled-fault',
] as const

/** What uses the last of a stack is not what filled it. */
const STACK_WALKERS =
  /^(?:arch_stack_walk|stack_trace_\w+|mark_lock\w*|unwind\w*|.*alloc\w*|number|vsnprintf|.*printk.*|trace_\w+|el1\w*)$/

/** Accesses that no page table allows, and what an architecture's die() says of them. */
export const OOPSES: readonly FailureRow[] = [
  // show_fault_oops(): arch/x86/mm/fault.c; die_kernel_fault(): arch/arm64, arch/arm, arch/riscv: mm/fault.c
  linux({
    kind: 'memory-access',
    word: 'nable to handle',
    start: /^BUG: unable to handle (?:kernel )?page fault for address/,
    titles: ['BUG: unable to handle kernel paging request in {frame}'],
  }),
  linux({
    kind: 'memory-access',
    word: 'nable to handle',
    start:
      /^(?:CPU \d+ )?(?:BUG: u|U)nable to handle kernel (?<what>NULL pointer dereference|paging request|access to user memory|execution of user memory|execute from non-executable memory|write to read-only memory|read from unreadable memory|unknown)/,
    titles: ['BUG: unable to handle kernel {what} in {frame}'],
  }),
  linux({
    kind: 'memory-access',
    word: 'ernel NULL pointer',
    start: /^BUG: [kK]ernel (?<what>NULL pointer dereference)(?:,| on| at)/,
    titles: ['BUG: unable to handle kernel {what} in {frame}'],
  }),
  linux({
    kind: 'memory-access',
    word: 'nable to handle',
    start: /^BUG: unable to handle (?<what>.+?) (?:for|at) /,
    titles: ['BUG: unable to handle {what} in {frame}'],
  }),
  linux({
    kind: 'memory-access',
    word: 'BUG: Unable to handle kernel',
    start: /^BUG: Unable to handle kernel (?:data access|instruction fetch)/,
    titles: ['BUG: unable to handle kernel paging request in {frame}'],
  }),
  // arm64's fault_info[] has a name for each fault status: "ttbr address size fault" is what Xen 4.20 injects
  linux({
    kind: 'memory-access',
    word: 'Unable to handle kernel',
    start: /^Unable to handle kernel (?<what>[\w ()/-]+?) at virtual address/,
    titles: ['BUG: unable to handle kernel {what} in {frame}'],
  }),
  linux({
    kind: 'memory-access',
    word: 'nable to handle',
    start: /^(?:BUG: unable to handle kernel|Unable to handle kernel)\b/,
    titles: ['BUG: unable to handle kernel'],
  }),
  // do_DataAbort(): arch/arm/mm/fault.c
  linux({
    kind: 'unhandled-fault',
    word: 'Unhandled ',
    start: /^Unhandled (?<what>fault|prefetch abort): /,
    titles: ['Unhandled {what} in {frame}'],
  }),
  // arm64's traps.c: arm64_serror_panic(), bad_el0_sync(), __bad_stack(), do_undefinstr()
  linux({
    kind: 'serror',
    word: 'SError Interrupt on CPU',
    start: /^SError Interrupt on CPU\d+, code/,
    titles: ['SError Interrupt in {frame}'],
    continues: ['serror'],
  }),
  linux({
    kind: 'stack-overflow',
    word: 'Insufficient stack space',
    start: /^Insufficient stack space to handle exception!/,
    titles: ['kernel stack overflow in {frame}'],
    frames: ['dispatched', 'trace'],
    innocent: STACK_WALKERS,
  }),
  linux({
    kind: 'stack-overflow',
    word: 'stack guard page was hit',
    start: /^BUG: (?:TASK |IRQ |NMI |#[A-Z]+ )?stack guard page was hit at/,
    titles: ['BUG: stack guard page was hit in {frame}'],
    frames: ['dispatched', 'trace'],
    innocent: STACK_WALKERS,
  }),
  linux({
    kind: 'bad-mode',
    word: 'Bad mode in ',
    start: /^Bad mode in (?<what>.+?) handler detected/,
    titles: ['Bad mode in {what} handler in {frame}'],
  }),
  linux({
    kind: 'double-fault',
    word: 'PANIC: double fault',
    start: /^(?:traps: )?PANIC: double fault/,
    titles: ['PANIC: double fault in {frame}'],
  }),
  // exc_general_protection() and the other DIE_TRAPs: arch/x86/kernel/traps.c, arch/x86/kernel/dumpstack.c
  linux({
    kind: 'general-protection',
    word: 'general protection fault',
    start:
      /^(?:Oops: )?general protection (?:.*: [0-9a-f]{4} \[#\d+\]|fault: [0-9a-f]{4}\b|fault, (?:probably|maybe) for )/,
    titles: ['general protection fault in {frame}'],
  }),
  linux({
    kind: 'trap',
    word: 'invalid opcode',
    start: /^(?:Oops: )?invalid opcode: [0-9a-f]{4} \[#\d+\]/,
    titles: ['invalid opcode in {frame}'],
    continues: BEFORE_DIE,
  }),
  linux({
    kind: 'trap',
    word: ' [#',
    start:
      /^(?:Oops: )?(?<what>divide error|int3|alignment check|invalid TSS|segment not present|control protection fault|unexpected #\w+ exception|bounds|overflow|debug|kernel stack overflow|illegal operation|(?:specification|data|addressing|protection|operand) exception)\b.*?: [0-9a-f]{4} (?:ilc:\d )?\[#\d+\]/,
    titles: ['{what} in {frame}'],
    continues: ['stack-overflow'],
  }),
  linux({
    kind: 'trap',
    word: 'stack segment',
    start: /^(?:Oops: )?stack segment(?: fault)?: [0-9a-f]{4} \[#\d+\]/,
    titles: ['stack segment fault in {frame}'],
  }),
  // die(): arch/arm64/kernel/traps.c, arch/arm/kernel/traps.c; arm64_notify_die() for external aborts
  linux({
    kind: 'external-abort',
    word: 'Internal error: ',
    start:
      /^Internal error: (?<what>(?:synchronous )?external abort|synchronous parity|.*(?:parity|ECC) error).*\[#\d+\]/i,
    titles: ['Internal error in {frame}'],
  }),
  linux({
    kind: 'oops',
    word: 'Internal error: ',
    start: /^Internal error: .*\[#\d+\]/,
    titles: ['Internal error in {frame}'],
    continues: BEFORE_DIE,
  }),
  linux({
    kind: 'oops',
    word: 'Oops',
    start:
      /^(?:Oops(?: - [\w ]+)?(?::.*| )\[#\d+\]|Kernel bug detected\[#\d+\]|stack guard page: .*\[#\d+\])/,
    titles: ['Oops in {frame}'],
    continues: BEFORE_DIE,
  }),
  linux({
    kind: 'oops',
    word: 'stack guard page: ',
    start: /^stack guard page: .*\[#\d+\]/,
    titles: ['Oops in {frame}'],
    continues: BEFORE_DIE,
  }),
]
