// SPDX-License-Identifier: Apache-2.0
/** What the command line costs beside the work that it is asked for: the figures that it must hold. */
import { join } from 'node:path'
import type { PlatformName } from '../platform/index.ts'
import { timeGuestrig, timeNode } from './command.ts'
import { atMost, compared, type Figure, figure } from './figure.ts'
import { timeRun, writeSmallScenarios } from './small-scenarios.ts'

/** ms that `--help` and `list` may take. */
const QUICK = 250
/** ms that a run of one scenario may spend outside its board. */
const OUTSIDE = 500

interface CommandsOptions {
  /** On which a scenario is run. */
  platforms: readonly PlatformName[]
  rounds: number
  /** Where the runs' folders go. */
  dir: string
  /** Hears what is measured next. */
  progress: (what: string) => void
}

/** By round, ms. */
interface Samples {
  node: number[]
  help: number[]
  list: number[]
  runs: Map<PlatformName, { wall: number[]; outside: number[] }>
}

/**
 * Times commands from their start until they have ended, in alternation: `--help` and `list` beside a Node that does nothing, and a
 * whole run of one small scenario on a restored board. Of the run, what is outside the board is judged: all but the time from before
 * the board is made ready until the verdict. So the end of QEMU is in it.
 *
 * @throws HostProblem when a command fails.
 */
export async function benchCommands({ platforms, rounds, ...options }: CommandsOptions): Promise<Figure[]> {
  const samples: Samples = { node: [], help: [], list: [], runs: new Map() }
  for (const platform of platforms) samples.runs.set(platform, { wall: [], outside: [] })
  // Round 0 compiles the sources and takes the snapshots, and counts for nothing.
  for (let round = 0; round <= rounds; round++) {
    options.progress(round ? `commands: round ${round} of ${rounds}` : 'commands: warming up')
    await measure(samples, round, options)
  }
  return figures(samples)
}

async function measure(samples: Samples, round: number, { dir }: { dir: string }): Promise<void> {
  const note = (samples: number[], ms: number) => round && samples.push(ms)
  const steps = [
    async () => note(samples.node, await timeNode(['-e', '0'])),
    async () => note(samples.help, await timeGuestrig(['--help'])),
    async () => note(samples.list, await timeGuestrig(['list'])),
    ...[...samples.runs].map(([platform, { wall, outside }]) => async () => {
      const file = await writeSmallScenarios(join(dir, 'commands'), platform, 1)
      const out = join(dir, 'commands', `${round}-${platform}`)
      const times = await timeRun(file, { workers: 1, out })
      const inside = times.scenarios.reduce((sum, ms) => sum + ms, 0)
      note(wall, times.wall)
      note(outside, times.wall - inside)
    }),
  ]
  for (const step of round % 2 ? steps : steps.reverse()) await step()
}

function figures({ node, help, list, runs }: Samples): Figure[] {
  const idle = { name: 'node -e 0', samples: node }
  return [
    atMost(QUICK, compared(figure('guestrig --help', 'ms', help), idle)),
    atMost(QUICK, compared(figure('guestrig list', 'ms', list), idle)),
    ...[...runs].flatMap(([platform, { wall, outside }]) => [
      figure(`guestrig run, one scenario on ${platform}`, 'ms', wall),
      atMost(OUTSIDE, figure('of that outside the board', 'ms', outside)),
    ]),
  ]
}
