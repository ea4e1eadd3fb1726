// SPDX-License-Identifier: Apache-2.0
/** A board from a snapshot: taken, and restored. */
import { execFile } from 'node:child_process'
import { closeSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { promisify } from 'node:util'
import {
  INHERITED_RAM,
  namelessFile,
  ramFileArguments,
  restoreArguments,
  restored,
  saveState,
  TO_BE_SAVED,
} from '../board/index.ts'
import type { ConsoleLine } from '../console/index.ts'
import type { Board } from './board.ts'
import { type BringUpOptions, boot, mustBePlaced, placeModels, start, waitIf } from './booting.ts'
import { hangOf } from './hang.ts'
import { threadArguments } from './machine-arguments.ts'
import { needSharedMemory } from './modelled.ts'
import type { BoardPlan } from './plan.ts'
import { untilQuiet, type Windows } from './processors.ts'
import { dropSnapshot, keepSnapshot, newSnapshot, readConsoles, type Snapshot } from './snapshot.ts'

const run = promisify(execFile)

/** ms that an idle machine takes to restore a board until every domain answers. */
const REFERENCE_RESTORE = 250

/** Guests have done what there is to do after a boot, and after an answer. */
const AFTER_BOOT: Windows = { count: 4, ms: 100 }
const AFTER_ANSWER: Windows = { count: 1, ms: 10 }

/** ms after which a snapshot is taken of guests that do not become quiet. */
const LONGEST_UNREST = 10_000

/** Boots the plan's machine without a scenario's functions, and saves it. */
export async function takeSnapshot(plan: BoardPlan, key: string, options: BringUpOptions): Promise<Snapshot> {
  const snapshot = await newSnapshot(key)
  try {
    const args = [...ramFileArguments(snapshot.ram, plan.memory, true), ...TO_BE_SAVED]
    const board = await boot(plan, { args, models: [] }, options)
    try {
      await doWhatIsDue(board)
      await saveState(board.emulator.qmp, snapshot.state)
      // What is in a snapshot is not looked at again.
      await board.examined()
      board.failed.throwIfAborted()
      const consoles = Object.fromEntries(
        board.consoles.map(({ domain, lines }) => [domain, lines.map(withoutOffsets)]),
      )
      await writeFile(snapshot.consoles, JSON.stringify(consoles))
    } finally {
      await board.stop()
    }
    return await keepSnapshot(key, snapshot)
  } catch (error) {
    await dropSnapshot(snapshot)
    throw error
  }
}

/**
 * What its guests still do after their boot, every scenario would do again; and also what they have put off until they wake: on an idle
 * processor Linux lets timers wait that can (`TIMER_DEFERRABLE` in include/linux/timer.h). An answer lets them run.
 */
async function doWhatIsDue(board: Board): Promise<void> {
  await untilQuiet(board.emulator, AFTER_BOOT, LONGEST_UNREST)
  await checkAlive(board, 'before the snapshot')
  await untilQuiet(board.emulator, AFTER_ANSWER, LONGEST_UNREST)
}

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
  const board = await start(plan, { args, models, ram, printed }, options)
  try {
    if (mustBePlaced(models)) {
      await restored(board.emulator.qmp, board.failed)
      await placeModels(board)
    }
    await checkAlive(board, 'after the restore')
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

/** The bytes of a line from a snapshot are in the wire's file of another run. */
function withoutOffsets({ wire, from, to, repair, ...line }: ConsoleLine): ConsoleLine {
  return repair ? { ...line, repair: { how: repair.how, sure: repair.sure } } : line
}

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

/** @throws GuestHang, or HostProblem when it is the emulator that stands still, unless time moves in every domain. */
async function checkAlive(board: Board, when: string): Promise<void> {
  const answers = await Promise.all(board.domains.map((domain) => domain.isTimeMoving()))
  board.failed.throwIfAborted()
  const silent = board.domains.filter((_, index) => !answers[index]).map(({ name }) => name)
  if (silent[0]) {
    const message = `${when} there was no answer from ${silent.join(', ')}`
    throw await hangOf(board.emulator, silent[0], message)
  }
}
