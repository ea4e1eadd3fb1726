// SPDX-License-Identifier: Apache-2.0
import { type Ratio, ratio, type Summary, summarize } from './statistics.ts'

/** A figure against its bound; both in the figure's unit, but for a ratio. */
export interface Judgement {
  /** What must keep the bound: the figure itself, or what it is beside the one that it is compared with. */
  of: 'figure' | 'ratio' | 'difference'
  value: number
  atLeast?: number
  atMost?: number
  ok: boolean
}

/** One thing that was measured in every round. */
export interface Figure {
  name: string
  unit: 'µs' | 'ms' | 's' | '/s' | 'MB/s' | 'MB' | ''
  ours: Summary
  /** What the same took elsewhere, and where, in the same rounds. */
  theirs?: Summary & { name: string }
  /** ours ÷ theirs. */
  ratio?: Ratio
  judged?: Judgement
}

/** A figure by itself; `samples` are in its unit, by round. */
export const figure = (name: string, unit: Figure['unit'], samples: number[]): Figure => ({
  ...{ name, unit, ours: summarize(samples) },
})

/** The median must be `bound` or more. */
export const atLeast = (bound: number, plain: Figure): Figure => ({
  ...plain,
  judged: judge('figure', plain.ours.median, { atLeast: bound }),
})

/** The median must be `bound` or less. */
export const atMost = (bound: number, plain: Figure): Figure => ({
  ...plain,
  judged: judge('figure', plain.ours.median, { atMost: bound }),
})

/** Of none of the rounds. */
export const none = (plain: Figure): Figure => ({
  ...plain,
  judged: judge('figure', plain.ours.max, { atMost: 0 }),
})

/** A figure beside another one; at most so many times as much, or so much more, if that is bounded. */
export function compared(
  plain: Figure,
  other: { name: string; samples: number[] },
  bounds: { ratio?: number; difference?: number } = {},
): Figure {
  const theirs = { name: other.name, ...summarize(other.samples) }
  const both = { ...plain, theirs, ratio: ratio(plain.ours, theirs) }
  if (bounds.ratio !== undefined)
    return { ...both, judged: judge('ratio', both.ratio.ofMedians, { atMost: bounds.ratio }) }
  if (bounds.difference === undefined) return both
  const more = plain.ours.median - theirs.median
  return { ...both, judged: judge('difference', more, { atMost: bounds.difference }) }
}

export function judge(
  of: Judgement['of'],
  value: number,
  bound: { atLeast?: number; atMost?: number },
): Judgement {
  const { atLeast: least = -Infinity, atMost: most = Infinity } = bound
  return { of, value, ...bound, ok: value >= least && value <= most }
}
