// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path'
import type { Images } from '../../images/index.ts'
import type { PlatformName } from '../platform/index.ts'
import { runBare } from './bare-run.ts'
import { measureFloor } from './floor.ts'
import { LINES, LINES_OF, type Line } from './milestones.ts'
import { evaluate, type Measured, type PlatformFigures } from './platform-figures.ts'
import { asHostProblem, cold, restored, runScenario } from './scenario-run.ts'
import { summarize } from './statistics.ts'

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
 * Measures what a scenario costs, on a board that boots and on one that is restored, beside bare QEMU, in alternation, on each platform.
 *
 * What is compared: on one side everything that a scenario does, from the call of `bootBoard` or `obtainBoard` on: plan, device
 * trees, files, QEMU with its wires, the guests. On the other side the script `reproduce.sh` that this same board left behind,
 * from exec on: the same QEMU, arguments and images, with its console read by `grep` and its agents unheard. A cold board and the
 * bare one run to lines that the guest prints of itself. The bare side ends there; what a scenario does then (waits for all
 * agents, loads a driver, toggles, stops) has no counterpart there. A restored board prints none of those lines: it is compared
 * with a cold one, from QEMU's start until every domain is up. Its snapshot is there before the first round that counts.
 *
 * What is not in it: Node's start, that of the workers and of the fork server from which boards come, and the look into the cache; they come once
 * a process and not once a board. Bare QEMU is loaded each time.
 *
 * All sides are started on warm caches, and the one that goes first changes with every round, so that
 * a drift of the machine's speed falls on all. The medians' ratios are what to look at where the machine is shared.
 *
 * @throws HostProblem when something cannot be measured.
 */
export async function bench(options: BenchOptions): Promise<PlatformFigures[]> {
  const figures: PlatformFigures[] = []
  let bareBoot: number | undefined
  for (const platform of options.platforms) {
    try {
      const measured = await measurePlatform(platform, options)
      bareBoot ??= platform === 'virt' ? bootOf(measured) : await measureBareBoot(options)
      figures.push(evaluate(platform, measured, bareBoot))
    } catch (error) {
      throw asHostProblem(error, platform)
    }
  }
  return figures
}

async function measurePlatform(platform: PlatformName, options: BenchOptions): Promise<Measured> {
  const { images, rounds, progress } = options
  const place = (round: number, what: string) => join(options.dir, platform, `${round}-${what}`)
  progress(`${platform}: warming up`)
  const script = place(0, 'cold')
  const lines = await boot(platform, images, script)
  await runScenario(restored, platform, images, place(0, 'restored'))
  await runBare(script, lines)

  const measured: Measured = {
    ...{ lines, last: lines.at(-1) as Line },
    ...{ floors: [], bares: [], colds: [], restoreds: [] },
  }
  for (let round = 1; round <= rounds; round++) {
    progress(`${platform}: round ${round} of ${rounds}`)
    measured.floors.push(await measureFloor(images, place(round, 'floor')))
    const sides = [
      async () => measured.colds.push(await runScenario(cold, platform, images, place(round, 'cold'))),
      async () => measured.bares.push(await runBare(script, lines)),
      async () =>
        measured.restoreds.push(await runScenario(restored, platform, images, place(round, 'restored'))),
    ]
    const first = (round - 1) % sides.length
    for (const measure of [...sides.slice(first), ...sides.slice(0, first)]) await measure()
  }
  return measured
}

/** Boots a board once, and says which lines it prints. Its folder has the script for the bare run. */
async function boot(platform: PlatformName, images: Images, dir: string): Promise<Line[]> {
  const { times } = await runScenario(cold, platform, images, dir)
  const lines = LINES_OF[platform].filter((line) => times[line] !== undefined)
  if (lines.length > 0) return lines
  throw new Error(`its guest printed none of: ${LINES_OF[platform].map((line) => LINES[line])}`)
}

/** ms of a bare boot, median. */
const bootOf = ({ bares, last }: Pick<Measured, 'bares' | 'last'>): number =>
  summarize(bares.map((times) => times[last] ?? Number.NaN)).median

/** ms that a bare boot of `virt` takes: the speed of this machine. */
async function measureBareBoot({ images, rounds, dir, progress }: BenchOptions): Promise<number> {
  progress("virt: the machine's speed")
  const script = join(dir, 'virt', 'speed')
  const lines = await boot('virt', images, script)
  const bares: Measured['bares'] = []
  for (let round = 0; round <= rounds; round++) bares.push(await runBare(script, lines))
  return bootOf({ bares: bares.slice(1), last: lines.at(-1) as Line })
}
