// SPDX-License-Identifier: Apache-2.0
import prettyBytes from 'pretty-bytes'
import type { Figure, PlatformFigures } from '../bench/index.ts'
import { boardRows } from './bench-board-rows.ts'
import { align } from './bench-cells.ts'
import { figureRows } from './bench-figure-rows.ts'

/** What `guestrig bench --json` writes. Times in ms where no unit is named, memory in bytes. */
export interface BenchReport {
  version: 2
  startedAt: string
  host: { processors: number; model: string; load: number; node: string }
  qemu: string
  kernel: string
  xen: string
  rounds: number
  /** Empty if they were not measured. */
  platforms: PlatformFigures[]
  models: Figure[]
  commands: Figure[]
  suite: Figure[]
  /** Peak memory of the harness's process, QEMU not counted. */
  peakRss: number
}

/** The report for a terminal. */
export function benchTable(report: BenchReport): string {
  const { processors, model, load } = report.host
  const blocks = [
    ...report.platforms.map(boardRows),
    figureRows(['models', 'the same elsewhere', 'in TypeScript', 'ratio', ''], report.models),
    figureRows(['commands, from start to end', 'bare Node', 'guestrig', 'ratio', ''], report.commands),
    figureRows(['suite', 'beside', '2 workers', 'ratio', ''], report.suite),
  ]
  return [
    `QEMU ${report.qemu}, Linux ${report.kernel}, Xen ${report.xen}; ${processors} × ${model}, load ${load.toFixed(1)} at the start`,
    `median of ${report.rounds} (least–most); boards: ms since the start; ratio: of medians (of single rounds), cold ÷ bare and guestrig ÷ the other`,
    ...blocks.filter((rows) => rows.length > 1).flatMap((rows) => ['', ...align(rows)]),
    '',
    `guestrig itself: at most ${prettyBytes(report.peakRss)} of memory, QEMU not counted`,
    '',
  ].join('\n')
}
