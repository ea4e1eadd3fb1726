// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path'
import { HostProblem, type Images } from '../../images/index.ts'
import type { PlatformName } from '../platform/index.ts'
import { runBare } from './bare-run.ts'
import { measureFloor } from './floor.ts'
import { LINES, LINES_OF, type Line, type Milestone } from './milestones.ts'
import { asHostProblem, runScenario, type ScenarioTimes } from './scenario-run.ts'
import { type Ratio, ratio, type Summary, summarize, summarizeEach } from './statistics.ts'

/** What a scenario may take at most, in times of bare QEMU to the same line of the console. */
const BOUND = 1.5

/** The figures of one platform; times in ms. */
export interface PlatformFigures {
  platform: PlatformName
  /** From exec of `reproduce.sh`. */
  bare: Partial<Record<Line, Summary>>
  /** From the call that boots a board. */
  guestrig: Partial<Record<Milestone, Summary>>
  /** guestrig ÷ bare. */
  ratio: Partial<Record<Line, Ratio>>
  /** The line that counts: the last one that both reach. */
  judged: { line: Line; text: string; ratio: number; bound: number; ok: boolean }
  /** QEMU with an empty machine: up, answered, quit. */
  floor: Summary
  /** Processor time of the harness's process, QEMU and `dtc` not counted. */
  cpu: Summary
}

export interface BenchOptions {
  images: Images
  platforms: readonly PlatformName[]
  /** Counted rounds; one more goes before them, to warm the caches. */
  rounds: number
  /** Where the runs' folders go. */
  dir: string
  /** Hears what is measured next. */
  progress: (what: string) => void
}

/**
 * Measures what a scenario costs beside bare QEMU, in alternation, on each platform.
 *
 * What is compared: on one side everything that a scenario does, from the call of `bootBoard` on: plan, device trees, files,
 * QEMU with its wires, the guests. On the other side the script `reproduce.sh` that this same board left behind, from exec on:
 * the same QEMU, arguments and images, with its console read by `grep` and its agents unheard. Both run to lines that the
 * guest prints of itself. The bare side ends there; what a scenario does then (waits for all agents, loads a driver, toggles,
 * stops) has no counterpart and stands alone.
 *
 * What is not in it: Node's start, Vitest's, and the look into the cache; they come once a run and not once a board.
 *
 * Both sides are started in the same guarded way, on warm caches, and the one that goes first changes with every round, so that
 * a drift of the machine's speed falls on both. The medians' ratio is what to look at where the machine is shared.
 *
 * @throws HostProblem when something cannot be measured.
 */
export async function bench(options: BenchOptions): Promise<PlatformFigures[]> {
  const figures: PlatformFigures[] = []
  for (const platform of options.platforms) {
    figures.push(
      await measurePlatform(platform, options).catch((error: unknown) => {
        throw asHostProblem(error, platform)
      }),
    )
  }
  return figures
}

async function measurePlatform(platform: PlatformName, options: BenchOptions): Promise<PlatformFigures> {
  const { images, rounds, progress } = options
  const place = (round: number, what: string) => join(options.dir, platform, `${round}-${what}`)
  progress(`${platform}: warming up`)
  const warmUp = await runScenario(platform, images, place(0, 'guestrig'))
  const lines = LINES_OF[platform].filter((line) => warmUp.times[line] !== undefined)
  const last = lines.at(-1)
  if (!last) throw new Error(`its guest printed none of: ${LINES_OF[platform].map((line) => LINES[line])}`)
  const script = place(0, 'guestrig')
  await runBare(script, lines)

  const floors: number[] = []
  const bares: Partial<Record<Line, number>>[] = []
  const scenarios: ScenarioTimes[] = []
  for (let round = 1; round <= rounds; round++) {
    progress(`${platform}: round ${round} of ${rounds}`)
    floors.push(await measureFloor(images, place(round, 'floor')))
    const measureBare = async () => bares.push(await runBare(script, lines))
    const measureScenario = async () =>
      scenarios.push(await runScenario(platform, images, place(round, 'guestrig')))
    const inTurn = round % 2 ? [measureScenario, measureBare] : [measureBare, measureScenario]
    for (const measure of inTurn) await measure()
  }
  return evaluate(platform, { lines, last, floors, bares, scenarios })
}

interface Measured {
  lines: readonly Line[]
  last: Line
  floors: number[]
  bares: Partial<Record<Line, number>>[]
  scenarios: ScenarioTimes[]
}

function evaluate(platform: PlatformName, measured: Measured): PlatformFigures {
  const bare = summarizeEach<Line>(measured.bares)
  const guestrig = summarizeEach<Milestone>(measured.scenarios.map(({ times }) => times))
  const ratios = new Map<Line, Ratio>()
  for (const line of measured.lines) {
    const [ours, theirs] = [guestrig[line], bare[line]]
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
    guestrig,
    ratio: Object.fromEntries(ratios),
    judged: {
      line: measured.last,
      text: LINES[measured.last],
      ratio: ofMedians,
      bound: BOUND,
      ok: ofMedians <= BOUND,
    },
    floor: summarize(measured.floors),
    cpu: summarize(measured.scenarios.map(({ cpu }) => cpu)),
  }
}
