// SPDX-License-Identifier: Apache-2.0
import { type FailureRow, linux } from './row.ts'

/**
 * `WARNING: CPU: 1 PID: 2 at file:3 fn+0x4/0x5` (__warn() in kernel/panic.c until 6.17), `WARNING: [condition] file:3 at fn+0x4/0x5,
 * CPU#1: comm/2` since.
 */
const warningAt = (file: string, fn = String.raw`[\w.$]+`): RegExp =>
  new RegExp(
    String.raw`^WARNING: (?:CPU: \d+ PID: -?\d+ )?(?:\[.*\] )?(?:at )?(?<file>\S*${file}):\d+ (?:at )?(?:0x0\b|(?<fn>${fn})(?:\+0x|\())`,
  )

interface Special {
  kind?: string
  file: string
  fn?: string
  title: string
  innocent?: RegExp
  continues?: readonly string[]
}

/** Warnings by which a checker speaks: its caller is meant. */
const SPECIAL: readonly Special[] = [
  { kind: 'refcount', file: 'lib/refcount\\.c', title: 'WARNING: refcount bug in {frame}' },
  {
    kind: 'odebug',
    file: 'lib/debugobjects\\.c',
    title: 'WARNING: ODEBUG bug in {frame}',
    continues: ['odebug'],
  },
  { kind: 'lockdep', file: 'kernel/locking/lockdep\\.c', title: 'WARNING: locking bug in {frame}' },
  { kind: 'lockdep', file: 'kernel/locking/mutex\\.c', title: 'WARNING: locking bug in {frame}' },
  { kind: 'lockdep', file: 'kernel/locking/rwsem\\.c', title: 'WARNING: locking bug in {frame}' },
  { kind: 'list-corruption', file: 'lib/list_debug\\.c', title: 'WARNING: corrupted list in {frame}' },
  { kind: 'usercopy', file: 'mm/usercopy\\.c', title: 'WARNING: bad usercopy in {frame}' },
  { file: 'mm/slab_common\\.c', fn: 'kmalloc_\\w+', title: 'WARNING: kmalloc bug in {frame}' },
  { file: 'mm/(?:util|slub|slab)\\.c', fn: '_*kv?malloc_?\\w*', title: 'WARNING: kmalloc bug in {frame}' },
  { file: 'mm/vmalloc\\.c', fn: '__vmalloc_\\w+', title: 'WARNING: zero-size vmalloc in {frame}' },
  { file: 'fs/proc/generic\\.c', fn: 'proc_register', title: 'WARNING: proc registration bug in {frame}' },
  { file: 'lib/kobject\\.c', title: 'WARNING: kobject bug in {frame}' },
  { file: 'drivers/usb/core/urb\\.c', title: 'WARNING in {frame}/{fn}' },
]

const WARN_PATH =
  /^(?:kobject_\w+|_*refcount\w+|__?debug_\w+|debug_\w+|usb_submit_urb|usb_start_wait_urb|usb_(?:bulk|control|interrupt)_msg\w*|proc_(?:create|mkdir|register)\w*|_*vmalloc\w*|_*vzalloc\w*|_*kv?[mzc]alloc\w*)$/

export const WARNINGS: readonly FailureRow[] = [
  // debug_print_object(): lib/debugobjects.c; the WARNING follows, or came before (older kernels)
  linux({
    kind: 'odebug',
    word: 'ODEBUG: ',
    start: /^ODEBUG: \w+ /,
    continues: ['odebug'],
    titles: ['WARNING: ODEBUG bug in {frame}'],
    innocent: /^debug_\w+|^_*free\w*_hook|_freelist_hook$|^k?v?free$/,
  }),
  ...SPECIAL.map(({ kind = 'warning', file, fn, title, innocent = WARN_PATH, continues }) =>
    linux({
      kind,
      word: 'WARNING: ',
      start: warningAt(file, fn),
      titles: [title],
      frames: ['trace'],
      innocent,
      ...(continues ? { continues } : {}),
    }),
  ),
  linux({
    kind: 'warning',
    word: 'WARNING: ',
    start: warningAt(''),
    titles: ['WARNING in {frame}'],
    frames: ['header', 'trace'],
    continues: ['dentry', 'rust-panic'],
  }),
  // Cut off before its place
  linux({
    kind: 'warning',
    word: 'WARNING: CPU: ',
    start: /^WARNING: CPU: \d+ PID: -?\d+(?: at\b|\s*$)/,
    titles: ['WARNING in {frame}'],
  }),
  // unwind_next_frame(): arch/x86/kernel/unwind_orc.c; get_stack_info(): arch/x86/kernel/dumpstack_64.c
  linux({
    kind: 'unwinder',
    word: 'WARNING: ',
    start:
      /^WARNING: (?<what>can't (?:dereference|access) (?:iret )?registers|stack recursion|unrecognized unwind stack type|stack going in the wrong direction)/,
    titles: ['WARNING: {what}'],
  }),
  // unwind_next_frame(): arch/x86/kernel/unwind_frame.c
  linux({
    kind: 'unwinder',
    word: 'WARNING: kernel stack ',
    start: /^WARNING: kernel stack (?<what>regs|frame pointer) at .* has bad/,
    titles: ['WARNING: kernel stack {what} has bad value'],
  }),
]
