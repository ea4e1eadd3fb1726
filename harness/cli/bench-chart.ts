// SPDX-License-Identifier: Apache-2.0
/** The chart of `guestrig bench`: from QEMU's start to the verdict, a bar for each board. SVG of texts, boxes and lines; no scripts. */
import { create, type XMLElement } from 'xmlbuilder'
import type { Milestone, PlatformFigures } from '../bench/index.ts'
import { STYLE } from './bench-chart-style.ts'
import type { BenchReport } from './bench-table.ts'
import { type Timeline, timelines } from './bench-timeline.ts'

/** Measures of the picture, in its units: pixels, until somebody scales it. */
const WIDTH = 960
const MARGIN = 24
/** Where the bars begin, and how long the longest is: its time stands behind it. */
const LEFT = 110
const LONGEST = WIDTH - LEFT - MARGIN - 80
const BAR = 18
/** Of a board, with the line of text below its bar. */
const ROW = 48
/** Above the first bar of a platform. */
const PLATFORM = 34
/** Above everything: title, boards' machine, legend. */
const HEAD = 116
const FOOT = 44
/** Between parts of a bar, so that they are told apart without colours. */
const GAP = 2

/** What is reached with the part of a bar that ends there. */
const NAMES: Partial<Record<Milestone, string>> = {
  initStarted: 'first process',
  initAtWork: 'init at work',
  storeReached: 'xenstored reached',
  domainsUp: 'every domain up',
  driverLoaded: 'driver loaded',
  toggleAnswered: 'toggle answered: the verdict',
}

const SHOWN = Object.keys(NAMES) as Milestone[]

/** The chart as the text of an SVG file. */
export function benchChart(report: BenchReport): string {
  const platforms = report.platforms.map((figures) => ({ figures, lines: timelines(figures) }))
  const height = HEAD + platforms.reduce((sum, { lines }) => sum + PLATFORM + lines.length * ROW, 0) + FOOT
  const latest = Math.max(...platforms.flatMap(({ lines }) => lines.map(endOf)))
  const svg = create('svg', { headless: true }, {}, { invalidCharReplacement: '\uFFFD' })
  svg.att({ xmlns: 'http://www.w3.org/2000/svg', viewBox: `0 0 ${WIDTH} ${height}`, width: WIDTH, height })
  svg.att({ role: 'img', 'aria-labelledby': 'title' })
  svg.ele('style', STYLE)
  svg.ele('rect', { class: 'ground', width: WIDTH, height })
  drawHead(svg, report)
  const scale = LONGEST / latest
  drawAxis(svg, { latest, scale, bottom: height - FOOT })
  let y = HEAD
  for (const { figures, lines } of platforms) {
    drawPlatform(svg, figures, y)
    lines.forEach((line, row) => {
      drawRow(svg, line, { y: y + PLATFORM + row * ROW, scale })
    })
    y += PLATFORM + lines.length * ROW
  }
  return `${svg.end({ pretty: true })}\n`
}

const endOf = ({ passed }: Timeline): number => passed.at(-1)?.at ?? 0

const px = (length: number): string => length.toFixed(1)

function text(svg: XMLElement, words: string, place: { x: number; y: number; class: string }): XMLElement {
  return svg.ele('text', { ...place, x: px(place.x), y: px(place.y) }, words)
}

function drawHead(svg: XMLElement, { host, qemu, kernel, xen, rounds }: BenchReport): void {
  const title = text(svg, "From QEMU's start to the verdict", { x: MARGIN, y: 34, class: 'title' })
  title.att('id', 'title')
  const machine = `QEMU ${qemu}, Linux ${kernel}, Xen ${xen}; ${host.processors} × ${host.model}`
  text(svg, `${machine}; median of ${rounds}`, { x: MARGIN, y: 54, class: 'quiet' })
  const width = (WIDTH - 2 * MARGIN) / 3
  SHOWN.forEach((milestone, index) => {
    const [x, y] = [MARGIN + (index % 3) * width, 78 + 20 * Math.floor(index / 3)]
    svg.ele('rect', { class: milestone, x: px(x), y: y - 10, width: 12, height: 12, rx: 2 })
    text(svg, NAMES[milestone] ?? '', { x: x + 18, y, class: 'plain' })
  })
}

interface Axis {
  /** ms at the end of the longest bar. */
  latest: number
  /** Pixels of a ms. */
  scale: number
  bottom: number
}

function drawAxis(svg: XMLElement, { latest, scale, bottom }: Axis): void {
  const step = stepOf(latest)
  for (let at = 0; at <= latest; at += step) {
    const x = LEFT + at * scale
    svg.ele('line', { class: 'grid', x1: px(x), x2: px(x), y1: HEAD, y2: bottom })
    text(svg, at === 0 ? 'exec' : `${at} ms`, { x, y: bottom + 18, class: 'tick' })
  }
}

/** 1, 2 or 5 times a power of ten, so that there are some five of them. */
function stepOf(latest: number): number {
  const rough = latest / 5
  const power = 10 ** Math.floor(Math.log10(rough))
  return power * ([1, 2, 5].find((times) => times * power >= rough) ?? 10)
}

function drawPlatform(svg: XMLElement, { platform }: PlatformFigures, y: number): void {
  text(svg, platform, { x: MARGIN, y: y + PLATFORM - 12, class: 'platform' })
}

function drawRow(svg: XMLElement, line: Timeline, { y, scale }: { y: number; scale: number }): void {
  text(svg, line.board, { x: MARGIN, y: y + 13, class: 'plain' })
  let from = 0
  for (const { milestone, at } of line.passed) {
    const width = Math.max((at - from) * scale - GAP, 0.5)
    const part = svg.ele('rect', {
      ...{ class: milestone, x: px(LEFT + from * scale), y, width: px(width), height: BAR },
    })
    part.ele(
      'title',
      `${NAMES[milestone]}: after ${at.toFixed(0)} ms, ${(at - from).toFixed(0)} of them here`,
    )
    from = at
  }
  text(svg, `${from.toFixed(0)} ms`, { x: LEFT + from * scale + 6, y: y + 13, class: 'end' })
  const words = line.passed.map(({ milestone, at }) => `${shortName(milestone)} ${at.toFixed(0)}`)
  text(svg, words.join(', '), { x: LEFT, y: y + BAR + 14, class: 'quiet' })
}

/** Without what explains it. */
const shortName = (milestone: Milestone): string => NAMES[milestone]?.split(':')[0] ?? ''
