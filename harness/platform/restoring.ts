// SPDX-License-Identifier: Apache-2.0
/** A board restored from a snapshot. */
import { execFile } from 'node:child_process'
import { closeSync } from 'node:fs'
import { promisify } from 'node:util'
import { INHERITED_RAM, namelessFile, ramFileArguments, restoreArguments, restored } from '../board/index.ts'
import { mustBeAlive } from './alive.ts'
import type { Board } from './board.ts'
import { type BringUpOptions, hasStarted, launch, mustBePlaced, placeModels, waitIf } from './booting.ts'
import { threadArguments } from './machine-arguments.ts'
import { needSharedMemory } from './modelled.ts'
import type { BoardPlan } from './plan.ts'
import { readConsoles, type Snapshot } from './snapshot.ts'

const run = promisify(execFile)

/** ms in which every domain answers where no time limit need be stretched: a few times what an idle machine takes. */
const REFERENCE_RESTORE = 250

/** ms in which QEMU has started, and every domain has answered. */
const LONGEST_RESTORE = 5000

/**
 * A board as it was when the snapshot was taken, with the plan's functions.
 *
 * @throws HostProblem, GuestCrash, GuestHang when not every domain answers.
 */
export async function restore(plan: BoardPlan, snapshot: Snapshot, options: BringUpOptions): Promise<Board> {
  // What was printed before the snapshot was printed on this board: a scenario sees no difference.
  const printed = await readConsoles(snapshot)
  const { models } = plan
  const shared = needSharedMemory(models)
  const ram = shared ? await copyOfRam(snapshot, options.dir) : undefined
  const args = [
    ...threadArguments(inTurns(plan, options) ? 'one' : 'each'),
    ...plan.devices,
    ...ramFileArguments(shared ? INHERITED_RAM : snapshot.ram, plan.memory, shared),
    ...restoreArguments(snapshot.state),
    ...waitIf(models),
  ]
  const board = await launch(plan, { args, models, ram, printed }, options)
  try {
    // The question is there before the guests are: some wait for it without sleeping.
    const answers = board.domains.map((domain) => domain.isTimeMoving({ timeout: LONGEST_RESTORE }))
    await hasStarted(board)
    if (mustBePlaced(models)) {
      await restored(board.emulator.qmp, board.failed)
      await placeModels(board)
    }
    await mustBeAlive(board, answers, 'after the restore')
  } catch (error) {
    await board.stop()
    throw error
  }
  board.restored = true
  board.isUp(REFERENCE_RESTORE)
  return board
}

/**
 * Whether the board's processors are to run one after the other. On a host with nothing to spare that is quicker: emulation in one thread needs
 * neither atomic instructions nor another thread's attention, which is a seventh of the time of a small scenario. But the processors take turns of
 * up to 0.1 s: a boot, in which they wait for each other, takes twice as long; and in a guest of several, what goes wrong only while two of them
 * run at once would hardly ever be seen.
 */
const inTurns = ({ domains }: BoardPlan, { crowded = false }: BringUpOptions): boolean =>
  crowded && domains.every(({ cpus }) => cpus === 1)

/** What the guest writes is seen by the models only in a file of the board's own; it is as sparse as the snapshot's. Its descriptor. */
async function copyOfRam({ ram }: Snapshot, dir: string): Promise<number> {
  const copy = namelessFile(dir)
  try {
    await run('cp', ['--sparse=always', '--reflink=auto', ram, `/proc/${process.pid}/fd/${copy}`])
    return copy
  } catch (error) {
    closeSync(copy)
    throw error
  }
}
