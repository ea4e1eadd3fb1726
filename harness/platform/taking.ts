// SPDX-License-Identifier: Apache-2.0
/** A snapshot taken of a board: booted for that, made quiet, and saved. */
import { writeFile } from 'node:fs/promises'
import { ramFileArguments, saveState, TO_BE_SAVED } from '../board/index.ts'
import type { ConsoleLine } from '../console/index.ts'
import { mustBeAlive } from './alive.ts'
import type { Board } from './board.ts'
import { type BringUpOptions, boot } from './booting.ts'
import type { BoardPlan } from './plan.ts'
import { untilQuiet, type Windows } from './processors.ts'
import { dropSnapshot, keepSnapshot, newSnapshot, type Snapshot } from './snapshot.ts'

/** Guests have done what there is to do after a boot, and after an answer. */
const AFTER_BOOT: Windows = { count: 4, ms: 100 }
const AFTER_ANSWER: Windows = { count: 1, ms: 10 }

/** ms after which a snapshot is taken of guests that do not become quiet. */
const LONGEST_UNREST = 10_000

/** ms in which QEMU stops a machine, on a busy host too. */
const STOPPED = 1000

const WHEN = 'before the snapshot'

/** Boots the plan's machine without a scenario's functions, and saves it. */
export async function takeSnapshot(plan: BoardPlan, key: string, options: BringUpOptions): Promise<Snapshot> {
  const snapshot = await newSnapshot(key)
  try {
    const args = [...ramFileArguments(snapshot.ram, plan.memory, true), ...TO_BE_SAVED]
    const board = await boot(plan, { args, models: [] }, options)
    try {
      await doWhatIsDue(board)
      await stopAwake(board)
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
  const answers = board.domains.map((domain) => domain.isTimeMoving())
  await mustBeAlive(board, answers, WHEN)
  await untilQuiet(board.emulator, AFTER_ANSWER, LONGEST_UNREST)
}

/**
 * Stops the machine while the agents wait for what comes next without sleeping: where it is restored, they hear the first question without an
 * interrupt, which costs half of what the answer does.
 */
async function stopAwake(board: Board): Promise<void> {
  const answers = board.domains.map((domain) => domain.staysAwake(STOPPED))
  await mustBeAlive(board, answers, WHEN)
  await board.emulator.qmp.execute('stop')
}

/** The bytes of a line from a snapshot are in the wire's file of another run. */
function withoutOffsets({ wire, from, to, repair, ...line }: ConsoleLine): ConsoleLine {
  return repair ? { ...line, repair: { how: repair.how, sure: repair.sure } } : line
}
