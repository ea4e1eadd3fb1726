// SPDX-License-Identifier: Apache-2.0
import prettyBytes from 'pretty-bytes'
import {
  LINES,
  type Line,
  MILESTONES,
  type Milestone,
  type ModelFigure,
  type PlatformFigures,
  type Ratio,
  type Summary,
} from '../bench/index.ts'

/** What `guestrig bench --json` writes. Times in ms where no unit is named, memory in bytes. */
export interface BenchReport {
  version: 1
  startedAt: string
  host: { processors: number; model: string; load: number; node: string }
  qemu: string
  kernel: string
  xen: string
  rounds: number
  /** Empty if they were not measured. */
  platforms: PlatformFigures[]
  models: ModelFigure[]
  /** Peak memory of the harness's process, QEMU not counted. */
  peakRss: number
}

const NAMES: Record<Milestone, string> = {
  qemuStarted: 'QEMU is started',
  initStarted: `"${LINES.initStarted}"`,
  initAtWork: `"${LINES.initAtWork}"`,
  storeReached: `"${LINES.storeReached}"`,
  domainsUp: 'every domain is up',
  driverLoaded: 'pseudo-hotplug is loaded',
  toggleAnswered: 'the toggle is answered',
  stopped: 'the board is stopped',
}

const spread = (summary: Summary | undefined, digits = 0): string =>
  summary
    ? `${summary.median.toFixed(digits)} (${summary.min.toFixed(digits)}–${summary.max.toFixed(digits)})`
    : ''

const factor = (ratio: Ratio | undefined): string =>
  ratio ? `${ratio.ofMedians.toFixed(2)} (${ratio.min.toFixed(2)}–${ratio.max.toFixed(2)})` : ''

const isLine = (milestone: Milestone): milestone is Line => milestone in LINES

/** The report for a terminal. */
export function benchTable(report: BenchReport): string {
  const { processors, model, load } = report.host
  const rows = [
    ...report.platforms.flatMap((figures) => [[], ...platformRows(figures)]),
    ...(report.models.length > 0 ? [[], ...modelRows(report.models)] : []),
  ]
  return [
    `QEMU ${report.qemu}, Linux ${report.kernel}, Xen ${report.xen}; ${processors} × ${model}, load ${load.toFixed(1)} at the start`,
    `median of ${report.rounds} (least–most); boards: ms since the start; ratio: guestrig ÷ the other, of medians (of single rounds)`,
    ...align(rows),
    '',
    `guestrig itself: at most ${prettyBytes(report.peakRss)} of memory, QEMU not counted`,
    '',
  ].join('\n')
}

function platformRows(figures: PlatformFigures): string[][] {
  const { judged } = figures
  const verdict = `${judged.ok ? 'ok' : 'too slow'} (at most ${judged.bound.toFixed(2)})`
  const passed = MILESTONES.filter((milestone) => figures.guestrig[milestone])
  return [
    [figures.platform, 'bare QEMU', 'guestrig', 'ratio'],
    ...passed.map((milestone) => [
      `  ${NAMES[milestone]}`,
      isLine(milestone) ? spread(figures.bare[milestone]) : '',
      spread(figures.guestrig[milestone]),
      isLine(milestone) ? factor(figures.ratio[milestone]) : '',
      milestone === judged.line ? verdict : '',
    ]),
    ['  floor: QEMU up and quit, no guest', spread(figures.floor)],
    ["  processor time of guestrig's own process", '', spread(figures.cpu)],
  ]
}

function modelRows(figures: ModelFigure[]): string[][] {
  return [
    ['models', 'the same elsewhere', 'in TypeScript', 'ratio'],
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

function verdict({ of, value, atLeast, atMost, ok }: NonNullable<ModelFigure['judged']>): string {
  const bound = atLeast === undefined ? `at most ${atMost}` : `at least ${atLeast}`
  const more = of === 'difference' ? `${value.toFixed(0)} more; ` : ''
  return `${ok ? 'ok' : 'missed'} (${more}${bound}${of === 'difference' ? ' more' : ''})`
}

/** Columns as wide as their widest cell. */
function align(rows: string[][]): string[] {
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  return rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join('  ')
      .trimEnd(),
  )
}
