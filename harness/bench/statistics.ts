// SPDX-License-Identifier: Apache-2.0

/** Several measurements of one thing, in their unit. */
export interface Summary {
  median: number
  min: number
  max: number
  /** In the order of the rounds. */
  samples: number[]
}

export function summarize(samples: number[]): Summary {
  const sorted = samples.toSorted((a, b) => a - b)
  const middle = sorted.length / 2
  const [low = Number.NaN, high = low] = [sorted[Math.ceil(middle) - 1], sorted[Math.floor(middle)]]
  return {
    median: (low + high) / 2,
    min: sorted.at(0) ?? Number.NaN,
    max: sorted.at(-1) ?? Number.NaN,
    samples,
  }
}

/** How much more one thing takes than another, measured side by side. */
export interface Ratio {
  /** Ratio of the medians. */
  ofMedians: number
  /** The least and the largest ratio within one round. */
  min: number
  max: number
}

/** `a` ÷ `b`; both have a sample of every round. */
export function ratio(a: Summary, b: Summary): Ratio {
  const rounds = a.samples.map((sample, round) => sample / (b.samples[round] ?? Number.NaN))
  return { ofMedians: a.median / b.median, min: Math.min(...rounds), max: Math.max(...rounds) }
}

/** One summary for each key that every sample has. */
export function summarizeEach<Key extends string>(
  samples: readonly Partial<Record<Key, number>>[],
): Partial<Record<Key, Summary>> {
  const keys = Object.keys(samples[0] ?? {}) as Key[]
  return Object.fromEntries(
    keys.map((key) => [key, summarize(samples.map((sample) => sample[key] ?? Number.NaN))]),
  ) as Partial<Record<Key, Summary>>
}
