// SPDX-License-Identifier: Apache-2.0
import { type IPty, spawn } from '@lydell/node-pty'

/** A person at a terminal: types, and reads until something has come. */
export class Typist {
  readonly #pty: IPty
  readonly #waits = new Set<() => void>()
  readonly exit: Promise<number>
  #screen = ''
  #read = 0

  /** Runs `argv` in a terminal of 100 × 30. */
  constructor(argv: string[], cwd: string) {
    const [file = '', ...args] = argv
    this.#pty = spawn(file, args, { name: 'xterm-256color', cols: 100, rows: 30, cwd, env: process.env })
    this.exit = new Promise((resolve) => {
      this.#pty.onExit(({ exitCode }) => resolve(exitCode))
    })
    this.#pty.onData((text) => {
      this.#screen += text
      for (const look of [...this.#waits]) look()
    })
  }

  get pid(): number {
    return this.#pty.pid
  }

  /** Everything that came. */
  get screen(): string {
    return this.#screen
  }

  type(text: string): void {
    this.#pty.write(text)
  }

  resize(columns: number, rows: number): void {
    this.#pty.resize(columns, rows)
  }

  /** Waits for `pattern` in what has not been read yet, and reads up to its end. */
  async sees(pattern: RegExp, ms = 30_000): Promise<RegExpExecArray> {
    return await new Promise((resolve, reject) => {
      const look = () => {
        const match = pattern.exec(this.#screen.slice(this.#read))
        if (!match) return
        this.#read += match.index + match[0].length
        clearTimeout(deadline)
        this.#waits.delete(look)
        resolve(match)
      }
      const deadline = setTimeout(() => {
        this.#waits.delete(look)
        const unread = JSON.stringify(this.#screen.slice(this.#read).slice(-2000))
        reject(new Error(`${pattern} did not come within ${ms} ms; not read yet: ${unread}`))
      }, ms)
      this.#waits.add(look)
      look()
    })
  }

  /** Hangs up, as closing the window does. */
  hangUp(): void {
    this.#pty.kill('SIGHUP')
  }
}
