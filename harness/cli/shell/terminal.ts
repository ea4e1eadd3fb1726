// SPDX-License-Identifier: Apache-2.0
import type { ReadStream, WriteStream } from 'node:tty'

/**
 * Undoes what a guest's program may have left behind, and moves no text (ECMA-48; xterm's `ctlseqs`). The alternate screen
 * is left by 1047, which unlike 1049 does not move the cursor when there was none.
 */
const SANE = [
  '\x1b[?1047l', // no alternate screen
  '\x1b7\x1b[r\x1b8', // scroll the whole screen
  '\x1b(B\x0f', // ASCII
  '\x1b[0m', // no colours
  '\x1b[?25h', // a cursor
  '\x1b[?7h', // wrap at the margin
  '\x1b[?1l\x1b>', // ordinary cursor keys and keypad
  '\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?1004l', // no reports of the mouse and the focus
  '\x1b[?2004l', // no brackets around a paste
].join('')

const CLEAR = '\x1b[2J\x1b[H'

/** The person's terminal while the consoles have it. */
export class Terminal {
  readonly #input: ReadStream
  readonly #output: WriteStream
  readonly #restoreAtExit = () => this.restore()
  #taken = false

  constructor(input: ReadStream, output: WriteStream) {
    this.#input = input
    this.#output = output
  }

  /** Every key comes at once, none is interpreted. `ended`: the terminal has gone. */
  take(typed: (bytes: Buffer) => void, ended: () => void): void {
    this.#taken = true
    this.#input.setRawMode(true)
    process.once('exit', this.#restoreAtExit)
    this.#input.on('data', typed)
    this.#input.once('end', ended)
    // A terminal that has gone gives an I/O error: the end as well.
    this.#input.once('error', ended)
    this.#output.on('error', ended)
  }

  /** Gives the terminal back as it was. */
  restore(): void {
    if (!this.#taken) return
    this.#taken = false
    process.off('exit', this.#restoreAtExit)
    this.#output.write(`${SANE}\r\n`)
    this.#input.removeAllListeners('data')
    this.#input.setRawMode(false)
    this.#input.pause()
    this.#input.unref()
  }

  /** What a guest printed, as it is. */
  write(bytes: Uint8Array): void {
    if (this.#taken) this.#output.write(bytes)
  }

  /** A line of the harness's own. */
  say(text: string): void {
    this.#output.write(this.#taken ? `\r\n\x1b[7m${text}\x1b[0m\r\n` : `${text}\n`)
  }

  /** An empty screen with a headline. */
  clear(headline: string): void {
    this.#output.write(`${SANE}${CLEAR}\x1b[7m${headline}\x1b[0m\r\n`)
  }

  get rows(): number {
    return this.#output.rows || 24
  }

  get columns(): number {
    return this.#output.columns || 80
  }

  /** Calls `listener` whenever the window changes its size; the function returned ends that. */
  onResize(listener: () => void): () => void {
    this.#output.on('resize', listener)
    return () => this.#output.off('resize', listener)
  }
}
