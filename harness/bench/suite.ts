// SPDX-License-Identifier: Apache-2.0
/** How fast many scenarios run, and what the harness itself takes for it: the figures that it must hold. */
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { accounting, readAccounts } from './accounts.ts'
import { atMost, compared, type Figure, figure } from './figure.ts'
import { timeRun, writeSmallScenarios } from './small-scenarios.ts'

/** The suite for which the bounds are meant: so many scenarios, s, and times of what one worker takes. */
const BOUNDS = { scenarios: 60, seconds: 20, beside: 0.6 }

const MODES = [1, 2] as const
type Workers = (typeof MODES)[number]

interface SuiteOptions {
  /** How many; only as many as the bounds are meant for are judged. */
  scenarios: number
  rounds: number
  /** Where the runs' folders go. */
  dir: string
  /** Hears what is measured next. */
  progress: (what: string) => void
}

/** By round. */
interface Samples {
  /** From the start of the command until it has ended, s. */
  wall: number[]
  /** Outside QEMU, s. */
  processor: number[]
  /** Outside QEMU, 10⁶ bytes. */
  memory: number[]
}

/**
 * Times whole runs of small scenarios on `xen`, each on a restored board of its own, with one worker and with two, in alternation. What
 * the harness's own processes use meanwhile is what they and their helpers say themselves when they end (`account.ts`): processor
 * time, and the sum of their peaks of memory.
 *
 * @throws HostProblem when a run fails.
 */
export async function benchSuite({ scenarios, rounds, dir, progress }: SuiteOptions): Promise<Figure[]> {
  const place = join(dir, 'suite')
  progress('suite: warming up')
  // Compiles the sources, and takes the snapshot.
  await timeRun(await writeSmallScenarios(place, 'xen', 1), { workers: 1, out: join(place, 'warm-up') })
  const file = await writeSmallScenarios(place, 'xen', scenarios)
  const empty = (): Samples => ({ wall: [], processor: [], memory: [] })
  const samples: Record<Workers, Samples> = { 1: empty(), 2: empty() }
  for (let round = 1; round <= rounds; round++) {
    for (const workers of round % 2 ? MODES : MODES.toReversed()) {
      progress(`suite: round ${round} of ${rounds}, workers: ${workers}`)
      await measure(samples[workers], { file, workers, scenarios, out: join(place, `${round}-${workers}`) })
    }
  }
  return figures(samples, scenarios)
}

async function measure(
  samples: Samples,
  { file, workers, scenarios, out }: { file: string; workers: Workers; scenarios: number; out: string },
): Promise<void> {
  const accounts = `${out}-accounts`
  const { wall } = await timeRun(file, { workers, out, env: await accounting(accounts) })
  const { processorMs, peakBytes } = await readAccounts(accounts, 1 + Math.min(workers, scenarios))
  samples.wall.push(wall / 1000)
  samples.processor.push(processorMs / 1000)
  samples.memory.push(peakBytes / 1e6)
}

function figures({ 1: alone, 2: both }: Record<Workers, Samples>, scenarios: number): Figure[] {
  const judged = scenarios === BOUNDS.scenarios
  const one = (what: keyof Samples) => ({ name: '1 worker', samples: alone[what] })
  const name = `${scenarios} scenarios on xen, ${availableParallelism()} processors`
  const time = figure(name, 's', both.wall)
  return [
    judged ? atMost(BOUNDS.seconds, time) : time,
    compared(
      figure('the same beside 1 worker', 's', both.wall),
      one('wall'),
      judged ? { ratio: BOUNDS.beside } : {},
    ),
    compared(figure('processor time outside QEMU', 's', both.processor), one('processor')),
    compared(figure('memory outside QEMU at most', 'MB', both.memory), one('memory')),
  ]
}
