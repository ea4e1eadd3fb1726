// SPDX-License-Identifier: Apache-2.0
import type { Console } from '../console/index.ts'
import { type Board, within } from '../platform/index.ts'

/** ms that a line may take, before the board's patience stretches it. */
const ANSWER = 10_000

/** Resolves when a console has printed a line with `text`. */
export async function printed(board: Board, console: Console, text: string): Promise<void> {
  const isThere = () => console.lines.some((line) => line.text.includes(text))
  let stop = () => {}
  const wait = () =>
    new Promise<void>((resolve) => {
      stop = console.onLine(() => isThere() && resolve())
      if (isThere()) resolve()
    })
  try {
    await within(board.patience.scale(ANSWER), wait, {
      interruption: board.failed,
      explain: () => `${console.domain} did not print: ${text}`,
    })
  } finally {
    stop()
  }
}
