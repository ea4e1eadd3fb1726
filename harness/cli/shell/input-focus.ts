// SPDX-License-Identifier: Apache-2.0
import { HostProblem } from '../../../images/index.ts'
import { XEN } from '../../console/index.ts'
import type { Source } from './xen-uart.ts'

/** Three times Ctrl-A moves Xen's input focus on by one (`opt_conswitch` in `xen/drivers/char/console.c`). */
const CTRL_A = '\x01'
/** One more Ctrl-A is sent when nothing came for this long, ms: Xen counts those that it got, should one be lost. */
const REPEAT = 300
/** How long Xen may take to say where the focus is now, ms. */
const PATIENCE = 5000

/** Moves Xen's input focus: there is only "the next one", and a line that says which that was. */
export class InputFocus {
  readonly #write: (text: string) => void
  readonly #stops: number
  #focus: Source = XEN
  #moved: ((focus: Source) => void) | undefined

  /** `stops`: how many there are, Xen included. */
  constructor(write: (text: string) => void, stops: number) {
    this.#write = write
    this.#stops = stops
  }

  /** Xen said that the focus is there. */
  arrived(focus: Source): void {
    this.#focus = focus
    this.#moved?.(focus)
  }

  /** @throws HostProblem when Xen does not answer, or never stops there. */
  async moveTo(wanted: Source): Promise<void> {
    for (let moves = 0; this.#focus !== wanted; moves++) {
      if (moves > this.#stops)
        throw new HostProblem(
          `Xen's input focus never comes to ${named(wanted)}`,
          'Is the domain still there? Look at the console of Xen.',
        )
      await this.#move(wanted)
    }
  }

  async #move(wanted: Source): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      const again = setInterval(() => this.#write(CTRL_A), REPEAT)
      const deadline = setTimeout(() => {
        done()
        reject(
          new HostProblem(
            `Xen does not move its input focus to ${named(wanted)}: no answer to Ctrl-A for ${PATIENCE / 1000} s`,
            'Look at the console of Xen: it may have crashed.',
          ),
        )
      }, PATIENCE)
      const done = () => {
        clearInterval(again)
        clearTimeout(deadline)
        this.#moved = undefined
      }
      this.#moved = () => {
        done()
        resolve()
      }
      this.#write(CTRL_A.repeat(3))
    })
  }
}

const named = (source: Source): string => (source === XEN ? XEN : `DOM${source}`)
