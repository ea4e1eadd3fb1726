// SPDX-License-Identifier: Apache-2.0
import { LINES, type Line, MILESTONES, type Milestone, type PlatformFigures } from '../bench/index.ts'
import { factor, type Row, spread } from './bench-cells.ts'

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

const isLine = (milestone: Milestone): milestone is Line => milestone in LINES

/** The boards of one platform: a row for each milestone, and what they must keep. */
export function boardRows(figures: PlatformFigures): Row[] {
  const { judged, bare, cold, restored } = figures
  const passed = MILESTONES.filter((milestone) => cold[milestone])
  return [
    [figures.platform, 'bare QEMU', 'cold', 'restored', 'ratio', ''],
    ...passed.map((milestone) => [
      `  ${NAMES[milestone]}`,
      isLine(milestone) ? spread(bare[milestone]) : '',
      spread(cold[milestone]),
      spread(restored[milestone]),
      isLine(milestone) ? factor(figures.ratio[milestone]) : '',
      milestone === judged.line ? verdict(judged.ok, `cold ÷ bare at most ${judged.bound.toFixed(2)}`) : '',
    ]),
    ...upRows(figures),
    ['  floor: QEMU up and quit, no guest', spread(figures.floor)],
    [
      "  processor time of guestrig's own process",
      '',
      spread(figures.cpu.cold),
      spread(figures.cpu.restored),
    ],
  ]
}

function upRows({ up }: PlatformFigures): Row[] {
  const { ratio, time, scale } = up.judged
  const bound = time.atMost?.toFixed(0)
  const boots = `virt boots bare in ${scale.bareBoot.toFixed(0)}, the reference in ${scale.referenceBareBoot}`
  const how = scale.factor > 1 ? `${scale.atMost} × ${scale.factor.toFixed(2)}: ${boots}` : boots
  return [
    [
      "  from QEMU's start until every domain is up",
      ...['', spread(up.cold), spread(up.restored), factor(up.ratio)],
      verdict(ratio.ok, `restored ÷ cold at most ${ratio.atMost?.toFixed(2)}`),
    ],
    ['', '', '', '', '', verdict(time.ok, `restored at most ${bound}; ${how}`)],
  ]
}

const verdict = (ok: boolean, bound: string): string => `${ok ? 'ok' : 'too slow'} (${bound})`
