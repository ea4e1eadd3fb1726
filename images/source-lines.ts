// SPDX-License-Identifier: Apache-2.0
import type { Address, Place, Symbols } from './symbols.ts'

/** `fn+0x1/0x2 [module]` (`%pS` in the kernel's lib/vsprintf.c). */
const PLACE = /([A-Za-z_][\w.$]*)\+0x([0-9a-f]+)\/0x([0-9a-f]+)(?: \[(\w+)[^\]]*\])?/g
/** A kernel address alone, as `%pS` prints one that kallsyms does not know: the top bits of every 64-bit kernel's are set. */
const ADDRESS = /\b(?:0x)?(ffff[0-9a-f]{12})\b>?\]?/g
/** Lines that name the program counter; all others name where a call returns to, which may be the next line of source already. */
const COUNTER = /\b(?:pc|epc) ?:|PC is at|RIP:|WARNING: |BUG: /
/** How far KASLR moved the kernel: dump_kernel_offset() in arch/arm64/kernel/setup.c, printed with a panic. */
const MOVED = /Kernel Offset: 0x([0-9a-f]+) from 0x/

/** The lines of a report, each place in code with `file:line` behind it where the symbols know it. */
export async function withSourceLines(report: readonly string[], symbols: Symbols): Promise<string[]> {
  const places: (Place | Address)[] = []
  const moved = BigInt(`0x0${report.map((line) => MOVED.exec(line)?.[1]).find(Boolean) ?? ''}`)
  for (const line of report) {
    const back = COUNTER.test(line) ? 0 : 1
    const named = [...line.matchAll(PLACE)]
    for (const [, fn = '', offset = '', size = '', module] of named)
      places.push({
        fn,
        offset: Math.max(0, Number.parseInt(offset, 16) - back),
        size: Number.parseInt(size, 16),
        module,
      })
    if (named.length > 0) continue
    for (const [, address = ''] of line.matchAll(ADDRESS))
      places.push({ address: BigInt(`0x${address}`) - moved - BigInt(back) })
  }
  const found = (await symbols.lines(places)).values()
  const named = (place: string) => [place, found.next().value].filter(Boolean).join(' ')
  return report.map((line) => line.replace(line.search(PLACE) === -1 ? ADDRESS : PLACE, named))
}
