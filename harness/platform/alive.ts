// SPDX-License-Identifier: Apache-2.0
import type { Board } from './board.ts'
import { hangOf } from './hang.ts'

/**
 * Every domain of the board answers what it was asked, such as whether time moves in it, with yes; in the board's order.
 *
 * @throws GuestHang, or HostProblem when it is the emulator that stands still, when one does not.
 */
export async function mustBeAlive(board: Board, answers: Promise<boolean>[], when: string): Promise<void> {
  const alive = await Promise.all(answers)
  board.failed.throwIfAborted()
  const silent = board.domains.filter((_, index) => !alive[index]).map(({ name }) => name)
  if (silent[0]) {
    const message = `${when} there was no answer from ${silent.join(', ')}`
    throw await hangOf(board.emulator, silent[0], message)
  }
}
