// SPDX-License-Identifier: Apache-2.0
import { type FailureRow, linux } from './row.ts'

const PANIC_END = /^-+\[ end Kernel panic/

/** Data that is not what it must be, panics, and what has no better row. */
export const BUGS: readonly FailureRow[] = [
  // BUG(): lib/bug.c; CHECK_DATA_CORRUPTION in lib/list_debug.c; usercopy_abort() in mm/usercopy.c
  linux({
    kind: 'list-corruption',
    word: 'kernel BUG at ',
    start: /^kernel BUG at (?<file>\S*lib\/list_debug\.c):\d+!/,
    titles: ['BUG: corrupted list in {frame}'],
  }),
  linux({
    kind: 'usercopy',
    word: 'kernel BUG at ',
    start: /^kernel BUG at (?<file>\S*mm\/usercopy\.c):\d+!/,
    titles: ['BUG: bad usercopy in {frame}'],
  }),
  linux({
    kind: 'bug',
    word: 'ernel BUG at ',
    start: /^kernel BUG at (?<file>.+?):\d+!/i,
    titles: ['kernel BUG in {frame}'],
    continues: ['rust-panic'],
  }),
  // panic() in Rust: rust/kernel/lib.rs
  linux({
    kind: 'rust-panic',
    word: 'rust_kernel: panicked at ',
    start: /^rust_kernel: panicked at /,
    titles: ['{what} in {frame}', 'rust panic in {frame}'],
    details: { what: /^((?!------|kernel BUG|Oops)\S.*)/ },
    innocent: /^<?core::|rust_helper_|rust_begin_unwind/,
  }),
  // bad_page(): mm/page_alloc.c; print_bad_pte(): mm/memory.c; check_mm(): kernel/fork.c
  linux({
    kind: 'bad-page',
    word: 'BUG: Bad page state',
    start: /^BUG: Bad page state in process/,
    titles: ['BUG: Bad page state in {frame}'],
    frames: ['aside', 'trace'],
    innocent: /^_*(?:folio|page|filemap|pagecache|free|bad|pcp|lru|set_page|reset_page|alloc|shrink)/,
  }),
  linux({
    kind: 'bad-page',
    word: 'BUG: Bad ',
    start: /^BUG: Bad (?<what>page map|page cache|rss-counter state)\b/,
    titles: ['BUG: Bad {what}'],
    frames: [],
  }),
  // umount_check(): fs/dcache.c
  linux({
    kind: 'dentry',
    word: 'BUG: Dentry ',
    start: /^BUG: Dentry .*still in use .*\[(?<what>unmount) of /,
    titles: ['BUG: Dentry still in use in {what}'],
  }),
  // filp_close(): fs/open.c
  linux({
    kind: 'file-count',
    word: 'VFS: Close: file count is',
    start: /^VFS: Close: file count is (?:0|zero)/,
    titles: ['VFS: Close: file count is zero (use-after-free)'],
    frames: [],
  }),
  // generic_shutdown_super(): fs/super.c
  linux({
    kind: 'busy-inodes',
    word: 'VFS: Busy inodes after unmount',
    start: /^VFS: Busy inodes after unmount/,
    titles: ['VFS: Busy inodes after unmount (use-after-free)'],
    frames: [],
  }),
  // slab_bug() and object_err(): mm/slub.c
  linux({
    kind: 'slab-corruption',
    word: 'BUG ',
    start: /^BUG (?<cache>[\w:.-]+) \((?:Not tainted|Tainted: [^)]*)\): (?!kasan: )(?<what>.+)/,
    titles: ['BUG: slab corruption ({what}) in {cache}'],
  }),
  linux({
    kind: 'slab-corruption',
    word: 'INFO: ',
    start: /^INFO: (?<what>Allocated|Freed) in (?<fn>[\w.]+)\+\S+ age=\d+ cpu=\d+ pid=-?\d+/,
    titles: ['INFO: {what} in {fn} age=NUM cpu=NUM pid=NUM'],
    continues: ['*'],
  }),
  // panic(): kernel/panic.c, and its callers
  linux({
    kind: 'panic',
    word: 'Kernel panic - not syncing',
    start: /^Kernel panic - not syncing: corrupted stack end/,
    titles: ['kernel panic: corrupted stack end in {frame}'],
    frames: ['dispatched', 'trace'],
    continues: ['*'],
    end: PANIC_END,
  }),
  linux({
    kind: 'panic',
    word: 'Kernel panic - not syncing',
    start:
      /^Kernel panic - not syncing: stack-protector: Kernel stack is corrupted(?: in: (?:.*?(?<fn>[A-Za-z_][\w.]*)\+0x)?)?/,
    titles: ['kernel panic: stack is corrupted in {frame}'],
    frames: ['header', 'trace'],
    continues: ['*'],
    end: PANIC_END,
  }),
  linux({
    kind: 'panic',
    word: 'Kernel panic - not syncing',
    start: /^Kernel panic - not syncing: (?<what>.*?)!? exitcode=/,
    titles: ['kernel panic: {what}!'],
    frames: [],
    continues: ['*'],
    end: PANIC_END,
  }),
  linux({
    kind: 'panic',
    word: 'Kernel panic - not syncing',
    start: /^Kernel panic - not syncing(?:: (?:[\w-]+: (?=panic_on_warn))?(?<what>.*?))?(?: ?\.\.\.)?$/,
    titles: ['kernel panic: {what}', 'kernel panic'],
    frames: [],
    continues: ['*'],
    end: PANIC_END,
  }),
  // __oom_kill_process(): mm/oom_kill.c
  linux({
    kind: 'oom',
    word: 'ut of memory: Kill',
    start: /^(?<what>Out of memory|Memory cgroup out of memory): Kill(?:ed)? process/,
    titles: ['{what}: a process was killed'],
    frames: [],
  }),
  // What has no row of its own: the kernel's word for its own mistakes
  linux({
    kind: 'bug',
    word: 'BUG: ',
    start: /^BUG: (?<what>\S.*)$/,
    titles: ['BUG: {what}'],
    frames: [],
  }),
  linux({ kind: 'bug', word: 'BUG:', start: /^BUG:\s*$/, titles: ['BUG: corrupted'], frames: [] }),
]
