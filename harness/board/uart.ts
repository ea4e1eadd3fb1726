// SPDX-License-Identifier: Apache-2.0
/**
 * A serial line between QEMU and this process: two pipes. QEMU's UARTs hand over one character at a time. In a pipe they lie together
 * until they are fetched (pipe(7)), where each in a socket would be a buffer of some 700 bytes, and would wake its reader.
 */
import { closeSync, openSync, readSync, writeSync } from 'node:fs'
import { Socket } from 'node:net'
import { Duplex } from 'node:stream'
import { makePipe } from '../system/index.ts'

/**
 * ms between two reads of a pipe. A reader that took each character as it comes would spend a third of a processor on a boot, which
 * the guest's own emulation needs.
 */
const PACE = 1
/** Bytes that one read takes at most: what a pipe holds. */
const CHUNK = 64 * 1024

/** Reads what a pipe holds: 0 bytes if that is nothing. */
function readNow(fd: number, buffer: Buffer): number {
  try {
    return readSync(fd, buffer)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EAGAIN') return 0
    throw error
  }
}

/**
 * What QEMU sends is what is read here, and goes into `file`; what is written here is what QEMU receives. An error of the file's (a full
 * disk, say) is one of the stream's.
 */
export class Uart extends Duplex {
  readonly #output = makePipe()
  readonly #input = makePipe()
  readonly #file: number
  readonly #buffer = Buffer.alloc(CHUNK)
  readonly #reader: Socket
  readonly #writer: Socket
  /** While it runs, the pipe is not read. */
  readonly #pace: NodeJS.Timeout
  #paused = true
  /** Somebody has room for what comes. */
  #wanted = false

  constructor(file: string) {
    super({ allowHalfOpen: false })
    this.#file = openSync(file, 'w')
    const buffer = this.#buffer
    // With a buffer of its own, and only then, a socket stops to read when it is told to. The types allow that for `connect` only.
    const onread = { buffer, callback: (length: number) => this.#receive(buffer.subarray(0, length)) }
    const reading = { fd: this.#output.from, readable: true, writable: false, onread }
    this.#reader = new Socket(reading as ConstructorParameters<typeof Socket>[0])
    this.#writer = new Socket({ fd: this.#input.to, readable: false, writable: true })
    this.#pace = setTimeout(() => this.#paced(), PACE)
    this.#reader.on('end', () => this.push(null))
    this.#reader.on('error', (error) => this.destroy(error))
    // QEMU has gone, which the other pipe tells.
    this.#writer.on('error', () => {})
  }

  /** File descriptors for QEMU: to write to, and to read from. Whoever hands them to it closes them. */
  get qemusEnds(): readonly [number, number] {
    return [this.#output.to, this.#input.from]
  }

  /** Everything that QEMU has sent until now is on its way to the listeners, pace or no pace. */
  fetch(): void {
    if (this.destroyed || this.#reader.destroyed) return
    // More than a pipe holds came after the call.
    const length = readNow(this.#output.from, this.#buffer)
    if (length > 0) this.#receive(this.#buffer.subarray(0, length))
  }

  override _read(): void {
    this.#wanted = true
    if (!this.#paused) this.#reader.resume()
  }

  override _write(bytes: Buffer, _encoding: BufferEncoding, written: () => void): void {
    if (this.#writer.writable) this.#writer.write(bytes, () => written())
    else written()
  }

  override _destroy(error: Error | null, destroyed: (error: Error | null) => void): void {
    clearTimeout(this.#pace)
    this.#reader.destroy()
    this.#writer.destroy()
    closeSync(this.#file)
    destroyed(error)
  }

  /** Returns false: the socket stops to read. */
  #receive(bytes: Buffer): false {
    this.#paused = true
    this.#wanted = false
    this.#pace.refresh()
    try {
      writeSync(this.#file, bytes)
      this.push(Buffer.from(bytes))
    } catch (error) {
      this.destroy(error as Error)
    }
    return false
  }

  #paced(): void {
    this.#paused = false
    if (this.#wanted) this.#reader.resume()
  }
}
