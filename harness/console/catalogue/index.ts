// SPDX-License-Identifier: Apache-2.0
/** What a failure looks like on a console: one row a kind. A new failure is a new row, never new control flow. */
import { BUGS } from './bugs.ts'
import { FIRMWARE } from './firmware.ts'
import { HANGS } from './hangs.ts'
import { INIT } from './init.ts'
import { LOCKING } from './locking.ts'
import { isNoise } from './noise.ts'
import { OOPSES } from './oops.ts'
import { PROGRAMS } from './programs.ts'
import type { FailureRow } from './row.ts'
import { SANITIZERS } from './sanitizers.ts'
import { WARNINGS } from './warnings.ts'
import { XEN_FAILURES } from './xen.ts'

export type { FailureRow } from './row.ts'
export { suspicionOf } from './suspicious.ts'

/** In the order in which they are tried. */
export const CATALOGUE: readonly FailureRow[] = [
  ...SANITIZERS,
  ...LOCKING,
  ...HANGS,
  ...OOPSES,
  ...WARNINGS,
  ...BUGS,
  ...FIRMWARE,
  ...PROGRAMS,
  ...XEN_FAILURES,
  ...INIT,
]

/** The row that a line begins a report of. */
export function rowOf(
  rows: readonly FailureRow[],
  text: string,
): { row: FailureRow; start: RegExpExecArray } | undefined {
  for (const row of rows) {
    if (!text.includes(row.word)) continue
    const start = row.start.exec(text)
    if (start) return isNoise(text) ? undefined : { row, start }
  }
  return undefined
}
