// SPDX-License-Identifier: Apache-2.0
import type { Figure, Summary } from '../bench/index.ts'
import { factor, type Row, spread } from './bench-cells.ts'

/** A row for each figure, below the names of the columns. */
export function figureRows(head: Row, figures: readonly Figure[]): Row[] {
  return [
    head,
    ...figures.map(({ name, unit, ours, theirs, ratio, judged }) => [
      `  ${[name, unit].filter(Boolean).join(', ')}`,
      theirs ? `${spread(theirs, digitsOf(theirs))} ${theirs.name}` : '',
      spread(ours, digitsOf(ours)),
      factor(ratio),
      judged ? verdict(judged) : '',
    ]),
  ]
}

/** Enough to see a percent. */
const digitsOf = ({ median }: Summary): number => (median > 0 && median < 100 ? 1 : 0)

function verdict({ of, value, atLeast, atMost, ok }: NonNullable<Figure['judged']>): string {
  const bound = atLeast === undefined ? `at most ${atMost}` : `at least ${atLeast}`
  const more = of === 'difference' ? `${value.toFixed(0)} more; ` : ''
  return `${ok ? 'ok' : 'missed'} (${more}${bound}${of === 'difference' ? ' more' : ''})`
}
