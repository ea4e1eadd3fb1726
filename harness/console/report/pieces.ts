// SPDX-License-Identifier: Apache-2.0

/** What one printk put on a line. */
export interface Piece {
  /** Without stamps, levels and prefixes; its indentation stays. */
  text: string
  /** printk's caller (`CONFIG_PRINTK_CALLER`): `T123` for a task, `C0` for a processor in an interrupt; empty where it is not printed. */
  caller: string
  /** Who printed it, where the line says so: `Xen`, `DOM1`. */
  source?: string
}

/** printk's time and caller (`print_time`, `print_caller` in the kernel's `kernel/printk/printk.c`); Android's own additions. */
const STAMP = /\[ *\d+\.\d{6}\s*(?:,\d+)?\](?:-?\(\d+\)\[[^\]]*\]|\[ *([CT]\d+)\])?(?: |$)?/g
/** The same at the start of a line, where a coarser clock is believed too. */
const FIRST_STAMP = /^\[ *\d+\.\d+\](?:\[ *([CT]\d+)\])? ?/
/** What loggers put before the text: syslog, journald, `dmesg -T`, `dmesg -x`, printk's raw level. */
const PREFIXES = [
  /^<\d+>/,
  /^[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \S+ (?:kern\.\w+ )?(?:kernel: ?)?/,
  /^\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d\S* (?:\S+ kernel: ?)?/,
  /^\[[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}\] /,
  // A getty's prompt, after which there is no line end.
  /^[\w.-]+ login: (?=\S)/,
  /^kern {2}:\w+ *: /,
]
/** Colours and other escape sequences (ECMA-48 control sequences). */
const ESCAPES = /\u001b\[[0-9;?]*[ -/]*[@-~]/g
const FROM_XEN = /^\(XEN\) (?:\[[^\]]*\] )?(?:(DOM\d+): )?/
const FROM_CONSOLE_IO = /^\(d(\d+)\) /

/**
 * The pieces of a console line: two processors may have printed on one line, a prompt may stand before printk's stamp. This is the one
 * place that knows what may stand before a message.
 */
export function piecesOf(line: string): Piece[] {
  const { text, source } = withoutXen(clean(line))
  const stamps = [...text.matchAll(STAMP)]
  if (stamps.length === 0) return [{ ...unstamped(text), ...source }]
  const pieces: Piece[] = []
  const before = withoutPrefix(text.slice(0, stamps[0]?.index))
  if (before.trim()) pieces.push({ text: before, caller: '', ...source })
  stamps.forEach((stamp, index) => {
    const from = stamp.index + stamp[0].length
    pieces.push({ text: text.slice(from, stamps[index + 1]?.index), caller: stamp[1] ?? '', ...source })
  })
  return pieces
}

const clean = (line: string): string =>
  (line.includes('\u001b') ? line.replace(ESCAPES, '') : line).replace(/[\r\0]+/g, '')

function withoutXen(line: string): { text: string; source: { source?: string } } {
  const xen = FROM_XEN.exec(line)
  if (xen) return { text: line.slice(xen[0].length), source: { source: xen[1] ?? 'Xen' } }
  const io = FROM_CONSOLE_IO.exec(line)
  if (io) return { text: line.slice(io[0].length), source: { source: `DOM${io[1]}` } }
  return { text: line, source: {} }
}

function unstamped(line: string): Piece {
  const text = withoutPrefix(line)
  const stamp = FIRST_STAMP.exec(text)
  return stamp ? { text: text.slice(stamp[0].length), caller: stamp[1] ?? '' } : { text, caller: '' }
}

const withoutPrefix = (line: string): string =>
  PREFIXES.reduce((text, prefix) => text.replace(prefix, ''), line)
