// SPDX-License-Identifier: Apache-2.0
import { type FailureRow, linux } from './row.ts'

const RULE = /^={40,}$/

/** The checkers that are compiled in: mm/kasan, mm/kfence, mm/kmsan, kernel/kcsan, lib/ubsan.c, mm/kmemleak.c. */
export const SANITIZERS: readonly FailureRow[] = [
  // print_error_description(): mm/kasan/report.c
  linux({
    kind: 'kasan',
    word: 'BUG: KASAN: ',
    start: /^BUG: KASAN: (?<what>double-free or invalid-free|double-free|invalid-free)\b/,
    titles: ['KASAN: invalid-free in {frame}'],
    end: RULE,
  }),
  linux({
    kind: 'kasan',
    word: 'BUG: KASAN: ',
    start: /^BUG: KASAN: (?<what>[a-z-]+) on address/,
    titles: ['KASAN: {what} {access}', 'KASAN: {what} in {frame}'],
    details: { access: /^(Read|Write) of size \d+/ },
    end: RULE,
  }),
  // Until 4.9 the address stood in the first line; without the access the report is torn
  linux({
    kind: 'kasan',
    word: 'BUG: KASAN: ',
    start: /^BUG: KASAN: (?<what>[a-z-]+) in (?<fn>(?<where>[^\s+]+))(?:\S* (?<at>at addr \S+))?/,
    titles: [
      'KASAN: {what} {access} in {frame}',
      'KASAN: {what} in {where} {at}',
      'KASAN: {what} in {frame}',
    ],
    frames: ['header', 'trace'],
    details: { access: /^(Read|Write) (?:of size \d+|at addr)/ },
    end: RULE,
  }),
  // kfence_report_error(): mm/kfence/report.c
  linux({
    kind: 'kfence',
    word: 'BUG: KFENCE: ',
    start: /^BUG: KFENCE: (?<what>[a-z -]+?) in (?<fn>[^\s+]+)/,
    titles: ['KFENCE: {what} in {frame}'],
    frames: ['header', 'below', 'trace'],
    end: RULE,
  }),
  // print_report(): kernel/kcsan/report.c
  linux({
    kind: 'kcsan',
    word: 'BUG: KCSAN: ',
    start: /^BUG: KCSAN: (?<what>[\w-]+) in (?<fns>\S+ \/ \S+)/,
    titles: ['KCSAN: {what} in {fns}'],
    end: RULE,
  }),
  linux({
    kind: 'kcsan',
    word: 'BUG: KCSAN: ',
    start: /^BUG: KCSAN: (?<what>[\w: -]+) in (?<fn>[^\s+]+)/,
    titles: ['KCSAN: {what} in {frame}'],
    frames: ['header'],
    end: RULE,
  }),
  // kmsan_report(): mm/kmsan/report.c
  linux({
    kind: 'kmsan',
    word: 'BUG: KMSAN: ',
    start: /^BUG: KMSAN: (?<what>[a-z-]+) in (?<fn>[^\s+]+)/,
    titles: ['KMSAN: {what} in {frame}'],
    frames: ['header', 'below', 'trace'],
    end: RULE,
  }),
  // ubsan_prologue(): lib/ubsan.c
  linux({
    kind: 'ubsan',
    word: 'UBSAN: ',
    start: /^UBSAN: Undefined behaviour in \S+/,
    titles: ['UBSAN: undefined-behaviour in {frame}'],
    end: RULE,
  }),
  linux({
    kind: 'ubsan',
    word: 'UBSAN: ',
    start: /^UBSAN: (?<what>[a-z-]+) in (?<file>\S+)/,
    titles: ['UBSAN: {what} in {frame}'],
    end: RULE,
  }),
  // print_unreferenced(): mm/kmemleak.c; the line before it is the collector's
  linux({
    kind: 'memory-leak',
    word: 'BUG: memory leak',
    start: /^BUG: memory leak/,
    titles: ['memory leak in {frame}'],
    innocent:
      /alloc|list_lru|^debug_objects?_|^sget_userns$|^pcpu_create|^(?:kmem|kvm?|k|vm|mem|str)dup|^sk_prot_alloc|^__?(?:kmalloc|vmalloc)|^new_inode$|skb_clone|^kstrdup|^create_object/,
  }),
  linux({
    kind: 'memory-leak',
    word: 'unreferenced object 0x',
    start: /^unreferenced object 0x[0-9a-f]+ \(size \d+\)/,
    titles: ['memory leak in {frame}'],
    innocent:
      /alloc|list_lru|^debug_objects?_|^sget_userns$|^pcpu_create|^(?:kmem|kvm?|k|vm|mem|str)dup|^sk_prot_alloc|^new_inode$|skb_clone|^kstrdup|^create_object/,
    continues: ['memory-leak'],
  }),
]
