// SPDX-License-Identifier: Apache-2.0
import { GuestCrash, GuestHang, printable } from '../../console/index.ts'
import type { Board, PlatformName } from '../../platform/index.ts'
import { bootBoard } from '../../platform/index.ts'
import { newRunId, runFolder } from '../run-folder.ts'
import { setUpWithProgress } from '../set-up-with-progress.ts'
import { Exit } from '../usage.ts'
import { Consoles } from './consoles.ts'
import { EscapeKeys, type Typed } from './escape-keys.ts'
import { type Outcome, watchGuests } from './guest-ends.ts'
import { Terminal } from './terminal.ts'

/** The options of `shell`, as commander gives them. */
export interface ShellOptions {
  platform: PlatformName
  kernel?: string
  xen?: string
  dom0: boolean
  out?: string
}

const CTRL_C = 3
const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
const INTERRUPTED: Outcome = { status: Exit.interrupted }

const KEYS = 'Ctrl-] then n: next, 1–9: that one, ?: help, q: quit, Ctrl-]: one Ctrl-]'

/** Boots a board with its consoles on this process's terminal, and returns the exit status when it is over. */
export async function runShell(options: ShellOptions): Promise<number> {
  const images = await setUpWithProgress({ kernel: options.kernel, xen: options.xen })
  const dir = runFolder(newRunId(new Date()), options.out)
  const session = new Session(new Terminal(process.stdin, process.stdout))
  const interrupt = () => session.over(INTERRUPTED)
  for (const signal of SIGNALS) process.on(signal, interrupt)
  try {
    const { status, message } = await session.run((started) =>
      bootBoard(options.platform, { images, dir, dom0: options.dom0, shell: true, started }),
    )
    process.stderr.write(`${message ? `${message}\n` : ''}the run's folder: ${dir}\n`)
    return status
  } finally {
    for (const signal of SIGNALS) process.off(signal, interrupt)
  }
}

class Session {
  readonly over: (outcome: Outcome) => void
  readonly #broken: (reason: unknown) => void
  readonly #end: Promise<Outcome>
  readonly #terminal: Terminal
  readonly #keys = new EscapeKeys()
  #board: Board | undefined
  #consoles: Consoles | undefined
  #up = false

  constructor(terminal: Terminal) {
    this.#terminal = terminal
    const { promise, resolve, reject } = withResolvers<Outcome>()
    this.#end = promise
    this.#end.catch(() => {})
    this.over = resolve
    this.#broken = reject
  }

  /** From the boot to the end; the terminal is as it was and nothing runs any more when it returns. */
  async run(boot: (started: (board: Board) => void) => Promise<Board>): Promise<Outcome> {
    this.#terminal.take(
      (bytes) => {
        for (const typed of this.#keys.push(bytes)) this.#obey(typed)
      },
      () => this.over(INTERRUPTED),
    )
    const stopFitting = this.#terminal.onResize(() => this.#consoles?.fit())
    this.#terminal.say('booting; Ctrl-] ? for help')
    const booting = boot((board) => this.#open(board))
    try {
      await Promise.race([booting.then((board) => this.#attend(board)), this.#end])
      return await this.#end
    } catch (error) {
      if (error instanceof GuestCrash || error instanceof GuestHang)
        return { status: Exit.failed, message: printable(error.message) }
      throw error
    } finally {
      stopFitting()
      this.#terminal.restore()
      // Ends a boot that is still under way; a board that is up does not mind.
      this.#board?.fail(new Error('the session is over'))
      await booting.then(
        (board) => board.stop(),
        () => {},
      )
    }
  }

  #open(board: Board): void {
    this.#board = board
    this.#consoles = new Consoles(board, this.#terminal, this.#broken)
  }

  #attend(board: Board): void {
    this.#up = true
    watchGuests(board, {
      note: (text) => this.#terminal.say(text),
      over: this.over,
      broken: this.#broken,
    })
    this.#terminal.say(`up after ${(board.bootMs / 1000).toFixed(1)} s: ${this.#consoles?.list}. ${KEYS}`)
    this.#consoles?.start()
  }

  #obey(typed: Typed): void {
    if (typed.kind === 'quit') this.over({ status: Exit.ok })
    if (typed.kind === 'help') this.#help()
    if (typed.kind === 'next') this.#consoles?.showNext()
    if (typed.kind === 'console' && !this.#consoles?.showNumber(typed.number)) this.#help()
    if (typed.kind !== 'input') return
    if (this.#up) this.#consoles?.type(typed.bytes)
    // Nobody else has it yet.
    else if (typed.bytes.includes(CTRL_C)) this.over(INTERRUPTED)
  }

  #help(): void {
    this.#terminal.say(`${this.#consoles ? `${this.#consoles.list}. ` : ''}${KEYS}`)
  }
}

/** `Promise.withResolvers`, which Node 20 does not have. */
function withResolvers<T>() {
  let resolve: (value: T) => void = () => {}
  let reject: (reason: unknown) => void = () => {}
  const promise = new Promise<T>((yes, no) => {
    resolve = yes
    reject = no
  })
  return { promise, resolve, reject }
}
