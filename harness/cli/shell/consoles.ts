// SPDX-License-Identifier: Apache-2.0
import type { Board } from '../../platform/index.ts'
import { InputFocus } from './input-focus.ts'
import { Keys } from './keys.ts'
import { listen, type Screen, screensOf } from './screens.ts'
import type { Terminal } from './terminal.ts'

/** Lines of the terminal that a redraw leaves free: the headline, and where the cursor stands. */
const FREE_LINES = 2

/** The consoles of a board on one terminal: one at a time is shown, and has the keys. */
export class Consoles {
  readonly #screens: Screen[]
  readonly #terminal: Terminal
  readonly #focus: InputFocus
  readonly #failed: (reason: unknown) => void
  #shown: Screen
  #up = false
  /** Keys wait here until they can arrive where they belong. */
  #waiting: Buffer[] = []
  #keys: Keys
  #aiming: Promise<void> | undefined

  /** Shows the domain under test at once. `failed`: the keys cannot be brought to the console that is shown. */
  constructor(board: Board, terminal: Terminal, failed: (reason: unknown) => void) {
    this.#terminal = terminal
    this.#failed = failed
    this.#screens = screensOf(board)
    const underTest = board.domain()
    this.#shown = this.#screens.find(({ domain }) => domain === underTest) as Screen
    this.#keys = new Keys(this.#shown)
    this.#focus = new InputFocus((text) => board.emulator.wire('uart0').write(text), this.#screens.length + 1)
    listen(
      this.#screens,
      (screen, bytes) => {
        screen.scrollback.push(bytes)
        if (screen === this.#shown) this.#terminal.write(bytes)
      },
      (focus) => {
        this.#focus.arrived(focus)
        // It went by itself: keys of before the last move were among the three Ctrl-A.
        if (this.#up && !this.#aiming && this.#shown.focus !== undefined && this.#shown.focus !== focus)
          this.#aim()
      },
    )
  }

  /** `1 dom0, 2 DomU, 3 Xen`. */
  get list(): string {
    return this.#screens.map(({ number, name }) => `${number} ${name}`).join(', ')
  }

  /** The domains are up: from now on keys go to the one that is shown. */
  start(): void {
    this.#up = true
    this.#aim()
  }

  type(bytes: Buffer): void {
    if (!this.#up) return
    if (this.#aiming) this.#waiting.push(bytes)
    else this.#keys.send(bytes)
  }

  showNext(): void {
    this.#show(this.#screens[this.#shown.number % this.#screens.length] as Screen)
  }

  /** Shows the console of that number; false when there is none. */
  showNumber(number: number): boolean {
    const screen = this.#screens[number - 1]
    if (screen) this.#show(screen)
    return screen !== undefined
  }

  #show(screen: Screen): void {
    // What is left of a paste was meant for the console that was shown.
    this.#keys.drop()
    this.#waiting = []
    this.#shown = screen
    this.#keys = new Keys(screen)
    this.#terminal.clear(`[${screen.number} ${screen.name}] Ctrl-] ? for help`)
    this.#terminal.write(screen.scrollback.tail(this.#terminal.rows - FREE_LINES))
    if (this.#up) this.#aim()
  }

  /** Brings the keys to the console that is shown. One at a time: a later wish is looked at when the earlier one is done. */
  #aim(): void {
    this.#aiming ??= this.#follow()
      .catch(this.#failed)
      .finally(() => {
        this.#aiming = undefined
        for (const bytes of this.#waiting.splice(0)) this.#keys.send(bytes)
        this.fit()
      })
  }

  async #follow(): Promise<void> {
    let aimed: Screen | undefined
    while (aimed !== this.#shown) {
      aimed = this.#shown
      if (aimed.focus !== undefined) await this.#focus.moveTo(aimed.focus)
    }
  }

  /**
   * Tells the guest how large the window is. A shell draws its prompt again then, which is welcome in a domU that has just got
   * the focus: Xen kept the prompt for want of a line end.
   */
  fit(): void {
    const { domain } = this.#shown
    const size = `rows ${this.#terminal.rows} cols ${this.#terminal.columns}`
    domain
      ?.run(`for tty in $(cat /sys/class/tty/console/active); do stty -F /dev/$tty ${size}; done`, {
        mayFail: true,
      })
      // A guest that has gone has no window.
      .catch(() => {})
  }
}
