// SPDX-License-Identifier: Apache-2.0
import { MILESTONES, type Milestone, type PlatformFigures, type Summary, summarize } from '../bench/index.ts'

/** When a board passed its milestones. */
export interface Timeline {
  board: 'bare' | 'cold' | 'restored'
  /** ms since QEMU's start, medians; in the order in which they came. */
  passed: { milestone: Milestone; at: number }[]
}

/** Behind the verdict, or the beginning itself. */
const OUTSIDE: readonly Milestone[] = ['qemuStarted', 'stopped']

/** From QEMU's start to the verdict: the boards of one platform. The bare one ends where nobody speaks to its guest. */
export function timelines({ bare, cold, restored }: PlatformFigures): Timeline[] {
  return [
    { board: 'bare', passed: passed(bare) },
    { board: 'cold', passed: passed(cold) },
    { board: 'restored', passed: passed(restored) },
  ]
}

function passed(times: Partial<Record<Milestone, Summary>>): Timeline['passed'] {
  const begin = times.qemuStarted
  return MILESTONES.filter((milestone) => !OUTSIDE.includes(milestone))
    .flatMap((milestone) => {
      const samples = times[milestone]?.samples
      if (!samples) return []
      const sinceExec = samples.map((sample, round) => sample - (begin?.samples[round] ?? 0))
      return { milestone, at: summarize(sinceExec).median }
    })
    .sort((a, b) => a.at - b.at)
}
