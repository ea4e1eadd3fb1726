// SPDX-License-Identifier: Apache-2.0
/**
 * QEMU's qtest protocol (QEMU, `system/qtest.c`): reads and writes physical memory from outside, beside the running guest. A
 * command is a line, its answer is a line that begins with OK; answers come in the order of the commands.
 */
import type { Duplex } from 'node:stream'
import { linesOf } from './lines-of.ts'

type Width = 1 | 2 | 4 | 8

const LETTER: Record<Width, string> = { 1: 'b', 2: 'w', 4: 'l', 8: 'q' }

const hex = (value: number | bigint): string => `0x${value.toString(16)}`

export class QTest {
  readonly #stream: Duplex
  readonly #waiting: {
    resolve: (answer: string) => void
    reject: (reason: Error) => void
    command: string
  }[] = []

  constructor(stream: Duplex) {
    this.#stream = stream
    linesOf(stream, (line) => this.#receive(line))
    stream.on('close', () => this.#end())
  }

  /** Reads `width` bytes, little endian, at a physical address. */
  async read(address: number, width: Width): Promise<bigint> {
    return BigInt((await this.#send(`read${LETTER[width]} ${hex(address)}`)).split(' ')[1] ?? '0')
  }

  /** Writes `width` bytes, little endian, at a physical address. */
  async write(address: number, width: Width, value: number | bigint): Promise<void> {
    await this.#send(`write${LETTER[width]} ${hex(address)} ${hex(value)}`)
  }

  #send(command: string): Promise<string> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ resolve, reject, command })
      this.#stream.write(`${command}\n`)
    })
  }

  #receive(line: string): void {
    if (line.startsWith('IRQ ')) return
    const waiting = this.#waiting.shift()
    if (line.startsWith('OK')) waiting?.resolve(line)
    else waiting?.reject(new Error(`qtest: ${waiting.command}: ${line}`))
  }

  #end(): void {
    for (const { command, reject } of this.#waiting.splice(0))
      reject(new Error(`qtest: ${command}: QEMU has gone`))
  }
}
