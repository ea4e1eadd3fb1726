// SPDX-License-Identifier: Apache-2.0
import { HostProblem, type Images } from '../../images/index.ts'
import { bootBoard, obtainBoard, type PlatformName, virtioNet, virtioRng } from '../platform/index.ts'
import { LINES, LINES_OF, type Milestone } from './milestones.ts'
import { printed } from './printed.ts'

/** The toggle of the thread: key 4 enables the host bridge. */
const TOGGLES: Record<PlatformName, { parameters: Record<string, string>; answer: string }> = {
  virt: {
    parameters: { keys: '4+/pcie@10000000' },
    answer: 'pseudo-hotplug: enable /pcie@10000000',
  },
  xen: { parameters: {}, answer: 'pseudo-hotplug: enable /passthrough/pcie@10000000' },
}

/** How a board comes up. */
type BringUp = typeof bootBoard

/** Every board boots. */
export const cold: BringUp = bootBoard

/**
 * Every board comes from a snapshot; the first of its shape may have to boot to take it.
 *
 * @throws HostProblem when the snapshot did not come up, and the board was booted after all.
 */
export const restored: BringUp = async (platform, options) => {
  const board = await obtainBoard(platform, options)
  if (board.restored) return board
  await board.stop()
  throw new HostProblem(
    `the board of the platform ${platform} was not restored, but booted`,
    `See restore-failed.txt in ${options.dir} (with guestrig bench --out DIR it stays).`,
  )
}

export interface ScenarioTimes {
  /** When each milestone was passed, ms since the call that brings the board up. */
  times: Partial<Record<Milestone, number>>
  /** From QEMU's start until every domain was up, ms. */
  up: number
  /** Processor time of this process meanwhile, user and system, ms. QEMU and `dtc` are not in it. */
  cpu: number
}

/**
 * Does what the thread's scenario does, with the harness's own means: brings up a board with two functions behind its disabled
 * bridge, loads pseudo-hotplug, sends the signal, waits for its answer on the console, and stops.
 */
export async function runScenario(
  bringUp: BringUp,
  platform: PlatformName,
  images: Images,
  dir: string,
): Promise<ScenarioTimes> {
  const cpuBefore = process.cpuUsage()
  const startedAt = performance.now()
  const now = () => performance.now() - startedAt
  const devices = [virtioNet({ at: '00:01.0' }), virtioRng({ at: '00:02.0' })]
  const board = await bringUp(platform, { images, dir, devices })
  const times: Partial<Record<Milestone, number>> = { domainsUp: now() }
  try {
    times.qemuStarted = board.emulator.startedAt - startedAt
    const guest = board.domain()
    await guest.loadDriver('pseudo-hotplug', TOGGLES[platform].parameters)
    times.driverLoaded = now()
    await guest.sysrq('4')
    await printed(board, guest.console, TOGGLES[platform].answer)
    times.toggleAnswered = now()
    // What the console of a restored board has of its boot was printed when the snapshot was taken.
    for (const line of board.restored ? [] : LINES_OF[platform]) {
      const found = guest.console.lines.find(({ text }) => text.includes(LINES[line]))
      if (found) times[line] = board.emulator.startedAt - startedAt + found.at
    }
  } finally {
    await board.stop()
  }
  times.stopped = now()
  const { user, system } = process.cpuUsage(cpuBefore)
  return { times, up: board.bootMs, cpu: (user + system) / 1000 }
}

/** The reason why nothing could be measured, whatever its kind. */
export function asHostProblem(error: unknown, platform: PlatformName): unknown {
  if (!(error instanceof Error) || error instanceof HostProblem) return error
  return new HostProblem(
    `the board of the platform ${platform} could not be measured: ${error.message}`,
    'guestrig bench --out DIR keeps the consoles; guestrig run says what is wrong with it.',
  )
}
