// SPDX-License-Identifier: Apache-2.0
/** What stands in the cells of the table of `guestrig bench`. */
import type { Ratio, Summary } from '../bench/index.ts'

/** The cells of a row, the name first. */
export type Row = string[]

/** Median (least–most). */
export const spread = (summary: Summary | undefined, digits = 0): string =>
  summary
    ? `${summary.median.toFixed(digits)} (${summary.min.toFixed(digits)}–${summary.max.toFixed(digits)})`
    : ''

/** Ratio of the medians (of single rounds, least–most). */
export const factor = (ratio: Ratio | undefined): string =>
  ratio ? `${ratio.ofMedians.toFixed(2)} (${ratio.min.toFixed(2)}–${ratio.max.toFixed(2)})` : ''

/** Columns as wide as their widest cell; the last, which says how a figure does, may end where it will. */
export function align(rows: readonly Row[]): string[] {
  const columns = Math.max(...rows.map((row) => row.length)) - 1
  const widths = Array.from({ length: columns }, (_, column) =>
    Math.max(...rows.map((row) => row[column]?.length ?? 0)),
  )
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}
