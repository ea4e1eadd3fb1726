// SPDX-License-Identifier: Apache-2.0
/** The figures of a platform's boards, and the bounds that they must keep. */
import { HostProblem } from '../../images/index.ts'
import type { PlatformName } from '../platform/index.ts'
import { type Judgement, judge } from './figure.ts'
import { LINES, type Line, type Milestone } from './milestones.ts'
import type { ScenarioTimes } from './scenario-run.ts'
import { type Ratio, ratio, type Summary, summarize, summarizeEach } from './statistics.ts'

/** What a cold scenario may take at most, in times of bare QEMU to the same line of the console. */
const BOUND = 1.1

/** What a restored board may take at most from QEMU's start until every domain is up. */
const RESTORED: Record<PlatformName, { ratio: number; ms: number }> = {
  /** Beside a cold one, and on a machine of the reference's speed. */
  virt: { ratio: 0.2, ms: 130 },
  xen: { ratio: 0.12, ms: 150 },
}

/** ms that a bare boot of `virt` takes on the machine for which the bounds in ms are meant. */
const REFERENCE_BARE_BOOT = 600

/** From QEMU's start until every domain is up, ms. */
export interface UpFigures {
  cold: Summary
  restored: Summary
  /** restored ÷ cold. */
  ratio: Ratio
  judged: {
    ratio: Judgement
    time: Judgement
    /** How the bound of the time came about: `atMost` ms on the reference, times `factor`, which is 1 on a machine that is quicker. */
    scale: { atMost: number; factor: number; bareBoot: number; referenceBareBoot: number }
  }
}

/** The figures of one platform; times in ms. */
export interface PlatformFigures {
  platform: PlatformName
  /** From exec of `reproduce.sh`. */
  bare: Partial<Record<Line, Summary>>
  /** From the call that boots a board. */
  cold: Partial<Record<Milestone, Summary>>
  /** From the call that restores a board. */
  restored: Partial<Record<Milestone, Summary>>
  /** cold ÷ bare. */
  ratio: Partial<Record<Line, Ratio>>
  /** The line that counts: the last one that both reach. */
  judged: { line: Line; text: string; ratio: number; bound: number; ok: boolean }
  up: UpFigures
  /** QEMU with an empty machine: up, answered, quit. */
  floor: Summary
  /** Processor time of the harness's process, QEMU and `dtc` not counted. */
  cpu: { cold: Summary; restored: Summary }
}

/** What the rounds gave, in their order. */
export interface Measured {
  lines: readonly Line[]
  last: Line
  /** ms */
  floors: number[]
  /** ms since exec. */
  bares: Partial<Record<Line, number>>[]
  colds: ScenarioTimes[]
  restoreds: ScenarioTimes[]
}

/** @param bareBoot ms that a bare boot of `virt` takes on this machine */
export function evaluate(platform: PlatformName, measured: Measured, bareBoot: number): PlatformFigures {
  const bare = summarizeEach<Line>(measured.bares)
  const cold = summarizeEach<Milestone>(measured.colds.map(({ times }) => times))
  const ratios = new Map<Line, Ratio>()
  for (const line of measured.lines) {
    const [ours, theirs] = [cold[line], bare[line]]
    if (!ours || !theirs || Number.isNaN(ours.median)) {
      throw new HostProblem(
        `on the platform ${platform} not every round printed: ${LINES[line]}`,
        'Repeat guestrig bench with --out DIR, and compare the consoles there.',
      )
    }
    ratios.set(line, ratio(ours, theirs))
  }
  const { ofMedians = Number.NaN } = ratios.get(measured.last) ?? {}
  return {
    platform,
    bare,
    cold,
    restored: summarizeEach<Milestone>(measured.restoreds.map(({ times }) => times)),
    ratio: Object.fromEntries(ratios),
    judged: {
      line: measured.last,
      text: LINES[measured.last],
      ratio: ofMedians,
      bound: BOUND,
      ok: ofMedians <= BOUND,
    },
    up: upFigures(platform, measured, bareBoot),
    floor: summarize(measured.floors),
    cpu: {
      cold: summarize(measured.colds.map(({ cpu }) => cpu)),
      restored: summarize(measured.restoreds.map(({ cpu }) => cpu)),
    },
  }
}

function upFigures(platform: PlatformName, { colds, restoreds }: Measured, bareBoot: number): UpFigures {
  const cold = summarize(colds.map(({ up }) => up))
  const restored = summarize(restoreds.map(({ up }) => up))
  const beside = ratio(restored, cold)
  const bounds = RESTORED[platform]
  const factor = Math.max(1, bareBoot / REFERENCE_BARE_BOOT)
  return {
    ...{ cold, restored, ratio: beside },
    judged: {
      ratio: judge('ratio', beside.ofMedians, { atMost: bounds.ratio }),
      time: judge('figure', restored.median, { atMost: bounds.ms * factor }),
      scale: { atMost: bounds.ms, factor, bareBoot, referenceBareBoot: REFERENCE_BARE_BOOT },
    },
  }
}
