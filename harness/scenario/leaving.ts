// SPDX-License-Identifier: Apache-2.0
import type { Board } from '../platform/index.ts'

/** The stop of the board before, which may go on while the next one starts. */
let leaving: Promise<void> = Promise.resolve()

/** Stops a board. Resolves when the one before it is gone: so there is never more than one that is going. */
export async function leave(board: Board): Promise<void> {
  const before = leaving
  leaving = board.stop()
  // Whoever awaits `allGone` gets it.
  leaving.catch(() => {})
  await before
}

/** Resolves when every board is gone, and its files are whole. */
export const allGone = (): Promise<void> => leaving
