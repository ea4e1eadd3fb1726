// SPDX-License-Identifier: Apache-2.0
/** Made-up reports of programs and firmware, and of kernels that are old or of other architectures; like `failures.ts`. */
import type { Sample } from './failures.ts'

export const MORE_SAMPLES: readonly Sample[] = [
  {
    kind: 'go-runtime',
    title: 'go runtime error',
    lines: [
      'panic: runtime error: index out of range [7] with length 4',
      '',
      'goroutine 1 [running]:',
      'main.main()',
      '\t/src/main.go:7 +0x1d',
      '',
      'goroutine 18 [select, 2 minutes]:',
      'main.wait()',
      '\t/src/main.go:9 +0x1d',
    ],
  },
  {
    kind: 'go-runtime',
    title: 'go runtime error',
    lines: ['fatal error: out of memory', '', 'runtime stack:', 'runtime.throw(0x1, 0x2)'],
  },
  {
    kind: 'syzkaller',
    title: 'SYZFAIL: mmap failed',
    lines: ['SYZFAIL: mmap failed', ' (errno 12: Out of memory)'],
  },
  {
    kind: 'trusty',
    title: 'trusty: ASSERT FAILED: thread->magic == MAGIC',
    lines: [
      'trusty: panic (caller 0xffffffffe000fbb8): ASSERT FAILED at (kernel/thread.c:77): thread->magic == MAGIC',
    ],
  },
  {
    kind: 'trusty',
    title: 'trusty: panic: failed(-NUM) to start app NUM',
    lines: [
      'trusty: panic (caller 0xffffffffe0002314): failed(-5) to start app 6',
      'trusty: HALT: (reason = 9)',
    ],
  },
  {
    kind: 'op-tee',
    title: 'OP-TEE panic in foo_map',
    lines: ['E/TC:0 0 Panic at core/mm/foo.c:77 <foo_map>', 'E/TC:0 0 TEE load address @ 0x7e100000'],
  },
  {
    kind: 'op-tee',
    title: 'OP-TEE panic: unhandled pageable abort',
    lines: ["E/TC:1 Panic 'unhandled pageable abort' at core/arch/arm/kernel/abort.c:77 <abort_handler>"],
  },
  {
    kind: 'trusted-firmware',
    title: 'Trusted Firmware: Unhandled Exception in EL3',
    lines: ['Unhandled Exception in EL3.', 'x30            = 0x0000000000000000'],
  },
  {
    kind: 'u-boot',
    title: 'U-Boot: Synchronous Abort',
    lines: ['"Synchronous Abort" handler, esr 0x96000045', 'elr: 000000000005e1b8 lr : 000000000005e1b8'],
  },
  {
    kind: 'uefi',
    title: 'UEFI: Synchronous exception',
    lines: ['Synchronous Exception at 0x000000005F7D0B5C'],
  },
  {
    kind: 'uefi',
    title: 'UEFI: ASSERT in PciHostBridgeDxe: Bridges != ((void *) NUM)',
    lines: ['ASSERT [PciHostBridgeDxe] /src/PciHostBridge.c(77): Bridges != ((void *) 0)'],
  },
  {
    kind: 'kasan',
    title: 'KASAN: slab-out-of-bounds in foo_fragment at addr ADDR',
    lines: ['BUG: KASAN: slab-out-of-bounds in foo_fragment+0x1c/0x80 at addr ffff8801c464b568'],
  },
  {
    kind: 'kasan',
    title: 'KASAN: wild-memory-access Read',
    lines: ['BUG: KASAN: wild-memory-access on address ffe7087450a17000', 'Read of size 205 by task sh/77'],
  },
  {
    kind: 'memory-access',
    title: 'BUG: unable to handle kernel paging request in foo_read',
    lines: [
      'CPU 1 Unable to handle kernel paging request at virtual address 0000000000000008, era == 9000000000221b08',
      'era: 9000000000221b08 foo_read+0x1c/0x80',
    ],
  },
  {
    kind: 'trap',
    title: 'illegal operation in foo_run',
    lines: [
      'illegal operation: 0001 ilc:1 [#1] SMP',
      'Call Trace:',
      ' [<000000000012abcd>] foo_run+0x1c/0x80',
    ],
  },
  {
    kind: 'general-protection',
    title: 'general protection fault in foo_run',
    lines: ['general protection fault: 0000 [', 'RIP: 0010:foo_run+0x1c/0x80'],
  },
  {
    kind: 'unwinder',
    title: "WARNING: can't access registers",
    lines: ["WARNING: can't access registers at entry_SYSCALL_64_after_hwframe+0x44/0xa9"],
  },
  {
    kind: 'hung-task',
    title: 'INFO: task hung in foo_hangup',
    lines: [
      'INFO: task sh:77 blocked for more than 143 seconds.',
      'Call trace:',
      ...['__switch_to', '__schedule', 'schedule', 'foo_lock_pair', 'foo_hangup'].map(
        (fn) => ` ${fn}+0x1c/0x80`,
      ),
    ],
  },
  {
    kind: 'rcu-stall',
    title: 'INFO: rcu detected stall in kvm_vcpu_ioctl',
    lines: [
      'rcu: INFO: rcu_preempt self-detected stall on CPU',
      'Call trace:',
      ...['kvm_arch_vcpu_ioctl_run', 'kvm_vcpu_ioctl', '__arm64_compat_sys_ioctl', 'invoke_syscall'].map(
        (fn) => ` ${fn}+0x1c/0x80`,
      ),
    ],
  },
  {
    kind: 'preemptible',
    title: 'BUG: using __this_cpu_read() in preemptible code in do_mem_abort',
    lines: [
      'BUG: using __this_cpu_read() in preemptible [00000000] code: sh/77',
      'Call trace:',
      ...['dump_stack', 'check_preemption_disabled', 'lockdep_hardirqs_on', 'do_mem_abort'].map(
        (fn) => ` ${fn}+0x1c/0x80`,
      ),
    ],
  },
]

/** Text in which the words stand and nothing has failed. */
export const MORE_HARMLESS: readonly string[] = [
  'fatal error: foo.h: No such file or directory',
  'foo.c:7:10: fatal error: foo.h: No such file or directory',
  'panic: disabled',
  'goroutine 1 is running',
  'usb 5-1: WARNING: this support is incomplete',
  'WARNING:',
  'INFO:',
  'I/TC: Panic button registered at 0x1',
  'trusty: panic notifier registered',
  'ASSERT is on',
  'NOTICE:  BL31: v2.9(release)',
]
