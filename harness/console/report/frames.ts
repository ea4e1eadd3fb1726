// SPDX-License-Identifier: Apache-2.0
import { demangle } from './demangle.ts'

/** One function of a stack trace, or the one that a register pointed into. */
export interface Frame {
  /** As printed, less what the compiler appended (`.isra.0`, `.cold`). */
  fn: string
  /** The program counter at the time of the failure, not a caller. */
  ip: boolean
  /** Its caller, where the same line says it. */
  caller?: string
}

/** A symbol as `%pS` prints it: C, with the compiler's suffixes, or a demangled Rust path. */
const FN = String.raw`(<?[A-Za-z_][\w.$]*(?:(?:::| as |[<>])[\w.$]*)*)`
const OFFSET = String.raw`\+0x[0-9a-f]+(?:\/0x[0-9a-f]+)?`
const BRACKETS = String.raw`(?:\[<[^>]*>\]\s*){0,2}`

/** The line of the program counter in each architecture's `show_regs`. */
const POINTERS = [
  `RIP: (?:[0-9a-f]{4}:)?${BRACKETS}${FN}(?:${OFFSET}|\\s+\\S+:\\d+)`,
  `RIP\\s+${BRACKETS}${FN}${OFFSET}`,
  `E?IP: (?:[0-9a-f]{4}:)?${BRACKETS}${FN}${OFFSET}`,
  `pc : ${BRACKETS}${FN}${OFFSET}`,
  `PC is at ${FN}${OFFSET}`,
  `(?:epc|era) ?: ${BRACKETS}(?:[0-9a-f]+ )?${FN}${OFFSET}`,
  `NIP \\[[0-9a-f]+\\] ${FN}${OFFSET}`,
  `PC:\\s+(?:[0-9a-f]+ )?${FN}${OFFSET}`,
]
const POINTER = new RegExp(`^\\s*(?:${POINTERS.join('|')})`)

/** A line of a trace: `[<addr>] fn+0x1/0x2`, `fn+0x1/0x2 file.c:3`, `fn file.c:3 [inline]`, powerpc's two addresses. */
const CALLER = new RegExp(
  `^\\s*(?:<+/?[A-Z#]+>+\\s+)*(?:\\[[0-9a-f]{8,16}\\] \\[[0-9a-f]{8,16}\\] )?${BRACKETS}(?:\\d+: )?(\\? )?\\(?${FN}(?:${OFFSET}|\\s+\\S+:\\d+ \\[inline\\])`,
)
/** arm's two-sided line: `[<addr>] (fn) from [<addr>] (caller+0x1/0x2)`, or `fn from caller+0x1/0x2`. */
const FROM = new RegExp(`^\\s*${BRACKETS}\\(?${FN}(?:${OFFSET})?\\)? from ${BRACKETS}\\(?${FN}${OFFSET}`)
const OLD_INLINE = new RegExp(`^\\s*\\[<\\s*inline\\s*>\\] ${FN}`)

const SUFFIXES = /(?:\.(?:part|isra|constprop|cold|llvm|lto_priv)(?:\.\d+)*|\.\d+)+$/

/** The function that a line of a report names, less the frames that the unwinder was not sure of (`? `). */
export function frameOf(text: string): Frame | undefined {
  const pointer = POINTER.exec(text)
  if (pointer) return { fn: bare(pointer.slice(1).find(Boolean) ?? ''), ip: true }
  const from = FROM.exec(text)
  if (from) return { fn: bare(from[1] ?? ''), ip: false, caller: bare(from[2] ?? '') }
  const inline = OLD_INLINE.exec(text)
  if (inline) return { fn: bare(inline[1] ?? ''), ip: false }
  const caller = CALLER.exec(text)
  if (!caller || caller[1]) return undefined
  return { fn: bare(caller[2] ?? ''), ip: false }
}

/** As its source has it: without what differs from one compiler to the next, and not mangled. */
export const bare = (fn: string): string => demangle(fn.replace(SUFFIXES, ''))

/** Wrappers of a system call, which differ from one architecture and version to the next (`arch/*​/include/asm/syscall_wrapper.h`). */
const SYSCALL =
  /^(?:__(?:x64|ia32|x32|arm64|riscv|s390x?|powerpc|se|do)_(?:compat_)?(?=sys_)|(?:SyS|SYSC|ksys|sys|compat_SyS|C_SYSC)_)/

/** Families of functions that wait for the same thing, under their best known name. */
const FAMILIES: readonly [RegExp, string][] = [
  [/^_*synchronize_(?:rcu|sched|srcu|net)(?:_expedited)?$/, 'synchronize_rcu'],
]

/** The name for a title: a system call is named alike by all of its wrappers. */
export const titleName = (fn: string): string =>
  FAMILIES.find(([family]) => family.test(fn))?.[1] ?? fn.replace(SYSCALL, '')
