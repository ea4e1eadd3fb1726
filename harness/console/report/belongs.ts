// SPDX-License-Identifier: Apache-2.0

/** What the lines of a report look like, whoever prints it: registers, traces, locks, memory, dumps of tasks. */
const CONTENT = new RegExp(
  `^(?:${[
    String.raw`\s*$|\s+\S|\t`,
    String.raw`={5,}|-{5,}|-+\[ |-> #|\*{3,}|\.\.\. `,
    'CPU:|CPU#?\\d+|PID:|UID:|Comm:|Hardware name:|Tainted:|Modules linked in:|Workqueue:|Compiler |Last called|Mem abort|Data abort|user pgtable|swapper pgtable|pgd ?=|\\[[0-9a-f]{8,16}\\] |ESR|FAR|Internal error|Oops|Code:|Dumping ftrace|8<---',
    'pstate|pc ?:|lr ?:|sp ?:|PC is|LR is|psr:|[xr]\\d+ *:|Flags:|Control:|Process |Stack:|Exception stack|[0-9a-f]{4}: ',
    'RIP|EIP|RSP|ESP|R[A-D]X|RBP|RSI|R\\d\\d|E[A-D]X|ESI|EFLAGS|FS:|CS:|DS:|CR\\d|DR\\d|PKRU|PGD|P4D|IP:|#PF|epc|status:|ra ?:|NIP|LR|GPR|CFAR|MSR|REGS',
    'Call [Tt]race|Backtrace|stack backtrace|<\\/?\\w+>|\\[<|task:|\\S+ {2,}[RSDTtXZPI] |NMI backtrace|Sending NMI|INFO: lockdep is turned off',
    'other info|which lock|but task|and this task|the existing|the shortest|the code is fine|turning off|\\d+ locks? held|no locks held|Possible|Chain exists|\\S+/\\d+ |irq event|hardirqs|softirqs|Showing all|This is|There is|Ok,|debug context|\\{|stacktrace|\\(detected|\\(t=|rcu_|rcu:|\\d+-',
    'Read of|Write of|Allocated|Freed|The buggy|Memory state|>?[0-9a-f]{8,16}:|>?\\w*f{3,}|page:|page |flags:|raw:|head:|which belongs|located|addr|Object|Redzone|Padding|Bytes|First byte|unreferenced|comm |hex dump|backtrace|Uninit|Local variable|kfence|value|value changed|Reported by|Bytes',
    'Kernel panic|Kernel Offset|SMP: stopping|Rebooting in|CPU features|Memory Limit|PHYS_OFFSET|Shutting down|ABI:|panic_on|note: |Disabling|Fixing|ret=|in_atomic|preempt|INFO:|BUG:|WARNING:',
    'Xen call trace|Xen |Panic on|Reboot in|Manual reset|Domain |domain_crash|HCR|VTCR|VTTBR|SCTLR|TTBR|HSR|HPFAR|HTTBR|SP:|X\\d+|ELR|PC:|VTTBR|guest state|\\*\\*\\*',
  ].join('|')})`,
)

/** Whether a line may belong to a report, going by its looks. */
export const looksLikeReport = (text: string): boolean => CONTENT.test(text)

/** What stands right above the first line of many reports. */
export const isOpening = (text: string): boolean =>
  /^(?:={10,}|-+\[ cut here \]-+|8<--- cut here ---)$/.test(text.trimEnd())

/** No report goes on beyond this line. */
export const isLast = (text: string): boolean => /^-+\[ end Kernel panic|^Rebooting in \d+ seconds/.test(text)

/** The kernel says that it has dropped messages: a report may have a hole. */
export const hasHole = (text: string): boolean =>
  /(?<!\d)\d+ printk messages dropped|printk: \d+ messages (?:dropped|suppressed)/.test(text)
