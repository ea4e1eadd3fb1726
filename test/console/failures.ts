// SPDX-License-Identifier: Apache-2.0
/** Made-up reports, one or more a kind, and lines that only look like one. */

export interface Sample {
  kind: string
  title: string
  lines: string[]
}

const trace = (...fns: string[]): string[] => ['Call trace:', ...fns.map((fn) => ` ${fn}+0x1c/0x80`)]
const WARN_TRACE = trace('__warn', 'report_bug', 'bug_handler', 'call_break_hook', 'brk_handler')

export const SAMPLES: readonly Sample[] = [
  {
    kind: 'memory-access',
    title: 'BUG: unable to handle kernel NULL pointer dereference in foo_probe',
    lines: [
      'Unable to handle kernel NULL pointer dereference at virtual address 0000000000000008',
      'Mem abort info:',
      '  ESR = 0x0000000096000006',
      'Internal error: Oops: 0000000096000006 [#1] PREEMPT SMP',
      'CPU: 1 PID: 77 Comm: sh Not tainted 6.12.1 #1',
      'pc : foo_probe+0x1c/0x80 [foo]',
      'lr : foo_probe+0x10/0x80 [foo]',
      ...trace('foo_probe', 'platform_probe', 'really_probe'),
      '---[ end trace 0000000000000000 ]---',
    ],
  },
  {
    kind: 'memory-access',
    title: 'BUG: unable to handle kernel paging request in foo_copy',
    lines: [
      'BUG: unable to handle page fault for address: ffffc9000152fa68',
      '#PF: supervisor read access in kernel mode',
      'Oops: 0000 [#1] PREEMPT SMP',
      'RIP: 0010:memcpy+0x5/0x20',
      'Call Trace:',
      ' <TASK>',
      ' ? page_fault_oops+0x1/0x2',
      ' foo_copy+0x1c/0x80',
      ' foo_ioctl+0x1c/0x80',
    ],
  },
  {
    kind: 'general-protection',
    title: 'general protection fault in foo_write',
    lines: [
      'general protection fault, probably for non-canonical address 0xdffffc0000000003: 0000 [#1] SMP KASAN',
      'RIP: 0010:foo_write+0x1c/0x80',
      ...trace('vfs_write', 'ksys_write'),
    ],
  },
  {
    kind: 'unhandled-fault',
    title: 'Unhandled fault in foo_set',
    lines: [
      'Unhandled fault: page domain fault (0x81b) at 0x00001044',
      'Internal error: : 81b [#1] SMP ARM',
      'PC is at memset+0x30/0xa8',
      '[<80b10c70>] (memset) from [<80b10c70>] (foo_set+0x30/0xa8)',
      '[<80b10c70>] (foo_set) from [<80b10c70>] (tty_ioctl+0x30/0xa8)',
    ],
  },
  {
    kind: 'external-abort',
    title: 'Internal error in foo_read_reg',
    lines: [
      'Internal error: synchronous external abort: 0000000096000010 [#1] SMP',
      'pc : foo_read_reg+0x14/0x28',
      ...trace('foo_read_reg', 'foo_probe'),
    ],
  },
  {
    kind: 'serror',
    title: 'SError Interrupt in foo_poll',
    lines: [
      'SError Interrupt on CPU1, code 0x00000000be000011 -- SError',
      'pc : foo_poll+0x14/0x28',
      ...trace('foo_poll', 'foo_thread'),
      'Kernel panic - not syncing: Asynchronous SError Interrupt',
    ],
  },
  {
    kind: 'stack-overflow',
    title: 'kernel stack overflow in foo_recurse',
    lines: [
      'Insufficient stack space to handle exception!',
      'ESR: 0x0000000096000047 -- DABT (current EL)',
      'pc : mark_lock+0x4/0x1b4',
      'Kernel panic - not syncing: kernel stack overflow',
      ...trace('dump_backtrace', 'panic', 'panic_bad_stack', 'foo_recurse', 'foo_recurse'),
    ],
  },
  {
    kind: 'bug',
    title: 'kernel BUG in foo_free',
    lines: [
      'kernel BUG at mm/foo.c:48!',
      'Internal error: Oops - BUG: 00000000f2000800 [#1] SMP',
      'pc : foo_free+0x14/0x28',
      ...trace('foo_free', 'foo_remove'),
    ],
  },
  {
    kind: 'list-corruption',
    title: 'BUG: corrupted list in foo_remove',
    lines: [
      'kernel BUG at lib/list_debug.c:56!',
      'Internal error: Oops - BUG: 00000000f2000800 [#1] SMP',
      'pc : __list_del_entry_valid_or_report+0x14/0x28',
      ...trace('__list_del_entry_valid_or_report', 'foo_remove', 'device_remove'),
    ],
  },
  {
    kind: 'warning',
    title: 'WARNING in gnttab_foo',
    lines: [
      'WARNING: CPU: 1 PID: 77 at drivers/xen/grant-table.c:123 gnttab_foo+0x1c/0x80',
      'Modules linked in: foo(O)',
      'pc : gnttab_foo+0x1c/0x80',
      ...WARN_TRACE,
      ' gnttab_foo+0x1c/0x80',
      '---[ end trace 0000000000000000 ]---',
    ],
  },
  {
    kind: 'warning',
    title: 'WARNING in gnttab_foo',
    lines: [
      'WARNING: [count > 3] drivers/xen/grant-table.c:123 at gnttab_foo+0x1c/0x80, CPU#1: sh/77',
      ...trace('gnttab_foo'),
    ],
  },
  {
    kind: 'refcount',
    title: 'WARNING: refcount bug in foo_put',
    lines: [
      'WARNING: CPU: 0 PID: 6540 at lib/refcount.c:28 refcount_warn_saturate+0xf4/0x148',
      'pc : refcount_warn_saturate+0xf4/0x148',
      ...trace('refcount_warn_saturate', 'foo_put', 'foo_exit'),
    ],
  },
  {
    kind: 'odebug',
    title: 'WARNING: ODEBUG bug in foo_free',
    lines: [
      'ODEBUG: free active (active state 0) object: ffff88807b3c4490 object type: timer_list hint: foo_timer+0x0/0x350',
      'WARNING: CPU: 0 PID: 1 at lib/debugobjects.c:615 debug_print_object+0x188/0x268',
      ...trace('debug_print_object', 'debug_check_no_obj_freed', 'kfree', 'foo_free'),
    ],
  },
  {
    kind: 'kasan',
    title: 'KASAN: invalid-free in foo_close',
    lines: [
      'BUG: KASAN: double-free in foo_close+0x40/0x58 [foo]',
      'Free of addr ffff0000036d7680 by task sh/77',
      '',
      ...trace('print_report', 'kasan_report_invalid_free', 'check_slab_allocation', 'kfree', 'foo_close'),
      '==================================================================',
    ],
  },
  {
    kind: 'kasan',
    title: 'KASAN: slab-use-after-free Read in foo_read',
    lines: [
      'BUG: KASAN: slab-use-after-free in __list_del_entry+0x196/0x1d0',
      'Read of size 8 at addr ffff0000c9e4aff5 by task sh/77',
      ...trace(
        'dump_backtrace',
        'kasan_report',
        '__asan_report_load8_noabort',
        '__list_del_entry',
        'foo_read',
      ),
      'Allocated by task 76:',
      ' kasan_save_stack+0x1c/0x80',
      ' foo_alloc+0x1c/0x80',
      '==================================================================',
    ],
  },
  {
    kind: 'kasan',
    title: 'KASAN: invalid-free in foo_free',
    lines: [
      'BUG: KASAN: double-free in kfree+0x1/0x2',
      ...trace('kasan_report_invalid_free', 'kfree', 'foo_free'),
    ],
  },
  {
    kind: 'kfence',
    title: 'KFENCE: out-of-bounds read in foo_read',
    lines: ['BUG: KFENCE: out-of-bounds read in foo_read+0xa6/0x234', ' foo_read+0xa6/0x234'],
  },
  {
    kind: 'kcsan',
    title: 'KCSAN: data-race in foo_read / foo_write',
    lines: ['BUG: KCSAN: data-race in foo_read / foo_write'],
  },
  {
    kind: 'kmsan',
    title: 'KMSAN: uninit-value in foo_parse',
    lines: [
      'BUG: KMSAN: uninit-value in strlen+0x1/0x2',
      ' strlen+0x1/0x2',
      ' foo_parse+0x1/0x2',
      'Uninit was created at:',
      ' foo_alloc+0x1/0x2',
    ],
  },
  {
    kind: 'ubsan',
    title: 'UBSAN: array-index-out-of-bounds in foo_index',
    lines: [
      'UBSAN: array-index-out-of-bounds in drivers/foo.c:12:3',
      "index 7 is out of range for type 'int [4]'",
      ...trace('ubsan_epilogue', '__ubsan_handle_out_of_bounds', 'foo_index'),
    ],
  },
  {
    kind: 'memory-leak',
    title: 'memory leak in foo_open',
    lines: [
      'BUG: memory leak',
      'unreferenced object 0xffff88007658a9e0 (size 944):',
      '  comm "sh", pid 4094, jiffies 4294767514 (age 15.374s)',
      '  backtrace:',
      '    [<000000005b8e4771>] kmem_cache_alloc+0x1c0/0x3c0',
      '    [<0000000017059910>] foo_open+0x133/0x190',
    ],
  },
  {
    kind: 'lockdep',
    title: 'possible deadlock in foo_lock_two',
    lines: [
      'WARNING: possible circular locking dependency detected',
      '6.12.0 #1 Not tainted',
      'sh/77 is trying to acquire lock:',
      'ffff0000c495a9d8 (&foo->lock){+.+.}-{3:3}, at: foo_lock_two+0x90/0x334',
      'but task is already holding lock:',
      'ffff0000c495a9d9 (&bar->lock){+.+.}-{3:3}, at: foo_lock_one+0x90/0x334',
      'stack backtrace:',
      ...trace('print_circular_bug', '__lock_acquire', 'mutex_lock_nested', 'foo_lock_two'),
    ],
  },
  {
    kind: 'lockdep',
    title: 'WARNING: suspicious RCU usage in foo_lookup',
    lines: [
      'WARNING: suspicious RCU usage',
      '#0: ffff0000c495a9d8 (&foo->lock){+.+.}-{3:3}, at: foo_lock_one+0x90/0x334',
      'stack backtrace:',
      ...trace('lockdep_rcu_suspicious', 'foo_lookup'),
    ],
  },
  {
    kind: 'lockdep',
    title: 'inconsistent lock state in foo_irq',
    lines: ['WARNING: inconsistent lock state', 'ffff (&foo->lock){?.-.}-{2:2}, at: foo_irq+0x1/0x2'],
  },
  {
    kind: 'spinlock',
    title: 'BUG: spinlock bad magic in foo_init',
    lines: ['BUG: spinlock bad magic on CPU#1, sh/77', ...trace('spin_dump', 'do_raw_spin_lock', 'foo_init')],
  },
  {
    kind: 'sleeping-in-atomic',
    title: 'BUG: sleeping function called from invalid context in foo_isr',
    lines: [
      'BUG: sleeping function called from invalid context at mm/slab.h:420',
      'in_atomic(): 1, irqs_disabled(): 128, non_block: 0, pid: 77, name: sh',
      ...trace('dump_stack', '__might_resched', '__might_sleep', 'kmalloc', 'foo_isr'),
    ],
  },
  {
    kind: 'scheduling-while-atomic',
    title: 'BUG: scheduling while atomic in foo_wait',
    lines: [
      'BUG: scheduling while atomic: sh/77/0x00000101',
      ...trace('dump_stack', '__schedule_bug', '__schedule', 'schedule', 'foo_wait'),
    ],
  },
  {
    kind: 'preemptible',
    title: 'BUG: using smp_processor_id() in preemptible code in foo_cpu',
    lines: [
      'BUG: using smp_processor_id() in preemptible [00000000] code: sh/77',
      ...trace('check_preemption_disabled', 'debug_smp_processor_id', 'foo_cpu'),
    ],
  },
  {
    kind: 'soft-lockup',
    title: 'BUG: soft lockup in foo_ioctl',
    lines: [
      'watchdog: BUG: soft lockup - CPU#1 stuck for 26s! [sh:77]',
      'pc : foo_spin+0x1c/0x80',
      ...trace('foo_spin', 'foo_ioctl', '__arm64_sys_ioctl', 'invoke_syscall', 'el0_svc').map((line) =>
        line.replace('__arm64_sys_ioctl', 'vfs_ioctl'),
      ),
    ],
  },
  {
    kind: 'hung-task',
    title: 'INFO: task hung in foo_wait',
    lines: [
      'INFO: task sh:77 blocked for more than 120 seconds.',
      '      Not tainted 6.12.0 #1',
      ...trace(
        '__switch_to',
        '__schedule',
        'schedule',
        'schedule_timeout',
        'wait_for_completion',
        'foo_wait',
      ),
    ],
  },
  {
    kind: 'hung-task',
    title: "INFO: task can't die in foo_wait",
    lines: [
      "INFO: task sh:77 can't die for more than 143 seconds.",
      ...trace('__schedule', 'schedule', 'foo_wait'),
    ],
  },
  {
    kind: 'hard-lockup',
    title: 'BUG: hard lockup in foo_work',
    lines: [
      'watchdog: Watchdog detected hard LOCKUP on cpu 1',
      ...trace('foo_spin', 'foo_work', 'process_one_work', 'kthread'),
    ],
  },
  {
    kind: 'trap',
    title: 'divide error in foo_scale',
    lines: ['Oops: divide error: 0000 [#1] PREEMPT SMP', 'RIP: 0010:foo_scale+0x1c/0x80'],
  },
  {
    kind: 'panic',
    title: 'kernel panic: stack is corrupted in foo_parse',
    lines: ['Kernel panic - not syncing: stack-protector: Kernel stack is corrupted in: foo_parse+0x1c/0x80'],
  },
  {
    kind: 'busy-inodes',
    title: 'VFS: Busy inodes after unmount (use-after-free)',
    lines: ['VFS: Busy inodes after unmount of vda1. Self-destruct in 5 seconds.  Have a nice day...'],
  },
  {
    kind: 'rcu-stall',
    title: 'INFO: rcu detected stall in foo_work',
    lines: [
      'rcu: INFO: rcu_sched self-detected stall on CPU',
      'rcu: \t1-....: (5249 ticks this GP) idle=1/1/0x4 softirq=1/1 fqs=2',
      ...trace('foo_spin', 'foo_work', 'process_one_work', 'worker_thread', 'kthread'),
    ],
  },
  {
    kind: 'unregister-netdevice',
    title: 'unregister_netdevice: waiting for DEV to become free',
    lines: ['unregister_netdevice: waiting for eth0 to become free. Usage count = 2'],
  },
  {
    kind: 'oom',
    title: 'Out of memory: a process was killed',
    lines: ['Out of memory: Killed process 77 (sh) total-vm:2000kB, anon-rss:4kB'],
  },
  {
    kind: 'panic',
    title: 'kernel panic: sysrq triggered crash',
    lines: [
      'Kernel panic - not syncing: sysrq triggered crash',
      ...trace('panic', 'sysrq_handle_crash'),
      '---[ end Kernel panic - not syncing: sysrq triggered crash ]---',
    ],
  },
  {
    kind: 'panic',
    title: 'kernel panic: Attempted to kill init!',
    lines: ['Kernel panic - not syncing: Attempted to kill init! exitcode=0x0000000b'],
  },
  {
    kind: 'bad-page',
    title: 'BUG: Bad rss-counter state',
    lines: ['BUG: Bad rss-counter state mm:ffff0000c495a9d8 type:MM_ANONPAGES val:3'],
  },
]

/** The same for Xen's own console. */
export const XEN_SAMPLES: readonly Sample[] = [
  {
    kind: 'xen-panic',
    title: 'Xen panic: Could not construct domain NUM',
    lines: [
      '****************************************',
      'Panic on CPU 0:',
      'Could not construct domain 0',
      '****************************************',
      '',
      'Reboot in five seconds...',
    ],
  },
  {
    kind: 'xen-bug',
    title: 'Xen BUG at common/domain.c',
    lines: [
      'Xen BUG at common/domain.c:77',
      '----[ Xen-4.20.0  arm64  debug=y  Not tainted ]----',
      'CPU:    1',
      'Panic on CPU 1:',
      'Xen BUG at common/domain.c:77',
    ],
  },
  { kind: 'xen-warn', title: 'Xen WARN at arch/arm/gic.c', lines: ['Xen WARN at arch/arm/gic.c:12'] },
  {
    kind: 'xen-assertion',
    title: 'Xen assertion failed: is_idle_domain(d)',
    lines: [
      "Assertion 'is_idle_domain(d)' failed at common/sched/core.c:77",
      'Panic on CPU 1:',
      "Assertion 'is_idle_domain(d)' failed at common/sched/core.c:77",
    ],
  },
  {
    kind: 'xen-trap',
    title: 'Xen: unexpected trap: Data Abort in foo_handle',
    lines: ['CPU1: Unexpected Trap: Data Abort', 'PC:     00000a000022e1c0 foo_handle+0x1c/0x190'],
  },
  {
    kind: 'xen-trap',
    title: 'Xen: unexpected trap: Hypervisor in dump_runq',
    lines: [
      'Hypervisor Trap. HSR=0x00000002000000 EC=0x0 IL=1 Syndrome=0x0',
      'CPU0: Unexpected Trap: Hypervisor',
      '----[ Xen-4.20.4-pre  arm64  debug=n  Tainted: I      ]----',
      'CPU:    0',
      'PC:     00000a000022e1c0 dump_runq+0/0x190',
      'LR:     00000a0000218520',
      'Xen stack trace from sp=000080000801fcf0:',
      '   00000a000022bebc 000080000801fea0 00000a0000301308 00000a000030a108',
      'Xen call trace:',
      '   [<00000a000022e1c0>] dump_runq+0/0x190 (PC)',
      '   [<00000a0000218520>] handle_keypress+0xb0/0xf0 (LR)',
      '',
      '****************************************',
      'Panic on CPU 0:',
      'CPU0: Unexpected Trap: Hypervisor',
      '****************************************',
      '',
      'Reboot in five seconds...',
    ],
  },
  { kind: 'xen-watchdog', title: 'Xen watchdog fired', lines: ['Watchdog timer fired for domain 1'] },
  {
    kind: 'domain-crash',
    title: 'domain 1 crashed, by arch/arm/traps.c',
    lines: [
      'domain_crash called from arch/arm/traps.c:77',
      'Domain 1 (vcpu#0) crashed on cpu#1:',
      '----[ Xen-4.20.0  arm64  debug=y  Not tainted ]----',
    ],
  },
  {
    kind: 'domain-crash',
    title: 'hardware domain 0 crashed',
    lines: ['Hardware Dom0 crashed: rebooting machine in 5 seconds.'],
  },
  {
    kind: 'hardware-domain-ended',
    title: 'hardware domain 0 shut down: rebooting machine',
    lines: ['Hardware Dom0 shutdown: rebooting machine'],
  },
  {
    kind: 'xen-reboot',
    title: 'Xen: rebooting machine, by debug key R',
    lines: ["'R' pressed -> rebooting machine"],
  },
]

/** Text in which the words stand and nothing has failed. */
export const HARMLESS: readonly string[] = [
  'x: WARNING: this is only a remark',
  'WARNING: the mand mount option is deprecated',
  'Kernel command line: panic=1 oops=panic panic_on_warn',
  'grep BUG: file',
  'foo: no bug at all, general protection fault handling enabled',
  'traps: sh[77] general protection fault ip:7feb96eb56a1 sp:20000fd0 error:0 in libc.so[7feb96e75000+84000]',
  'sh[77]: segfault at 4cb420 ip 00000000004cb420 sp 00007f27fd37a250 error 15',
  'foo: evtlog_status: enable:0, panic:1, dump:2',
  'INFO: lockdep is turned off.',
  'INFO: NMI handler (perf_event_nmi_handler) took too long to run: 1.356 msecs',
  'net_ratelimit: 3 callbacks suppressed',
  'CAM_WARN: CAM-SMMU: Error: already got handle 0x4cd20',
  'XFS (vda1): WARNING: Reset corrupted AGFL on AG 0. 1 blocks leaked.',
  'Unhandled SMC/HVC',
  'rcu: Hierarchical RCU implementation.',
  'kfence: initialized - using 2097152 bytes for 255 objects',
  'Oops, I did it again',
  'Lock dependency validator: Copyright (c) 2006 Red Hat, Inc., Ingo Molnar',
  '/ # echo "Kernel panic - not syncing: no"',
  'the driver says: kernel BUG at home',
]
