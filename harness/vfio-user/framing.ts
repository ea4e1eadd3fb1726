// SPDX-License-Identifier: Apache-2.0
import { closeSync } from 'node:fs'
import { HEADER, MAX_MESSAGE } from './protocol.ts'

export interface FrameHandlers {
  /** A whole message; `bytes` are valid during the call, `fds` are the handler's. */
  message(bytes: Buffer, fds: number[]): void
  /** The header of a message that is longer than `MAX_MESSAGE`: the rest of it is skipped. */
  tooLong(header: Buffer): void
  /** A header that says it is shorter than a header: where the next message begins, nobody can know, and nothing more is taken. */
  senseless(header: Buffer): void
}

/** Descriptors that wait for the rest of their message; what comes on top is closed. */
const MAX_WAITING_FDS = 32

/**
 * Cuts a stream of bytes into messages, wherever it is torn.
 *
 * A descriptor belongs to the message that has the last byte of what was read with it: the kernel never puts bytes behind those that a
 * descriptor came with (`unix_stream_read_generic` in the kernel's `net/unix/af_unix.c`).
 */
export class Framer {
  readonly #handlers: FrameHandlers
  readonly #header = Buffer.alloc(HEADER.size)
  /** Room for the message that has begun and is not whole: for its header, and once that is here for all of it. */
  #begun = this.#header
  #filled = 0
  /** What came with the bytes in `#begun`. */
  #waiting: number[] = []
  /** What came with the bytes that are being taken. */
  #arrived: number[] = []
  /** Bytes of a message that is too long that are still to come. */
  #skipping = 0
  #open = true

  constructor(handlers: FrameHandlers) {
    this.#handlers = handlers
  }

  /** Takes what was read: `bytes` are only looked at, `fds` are kept. */
  take(bytes: Buffer, fds: number[]): void {
    this.#arrived = fds
    let rest = bytes
    while (this.#open && rest.length > 0) {
      if (this.#skipping > 0) rest = this.#skip(rest)
      else if (this.#filled === 0 && beginsWhole(rest)) rest = this.#pass(rest)
      else rest = this.#collect(rest)
    }
    if (this.#open && this.#filled > 0) this.#waiting.push(...this.#arrived.splice(0))
    closeAll(this.#arrived)
    if (this.#waiting.length > MAX_WAITING_FDS) closeAll(this.#waiting.splice(MAX_WAITING_FDS))
  }

  /** Takes nothing more; may be called by a handler. */
  close(): void {
    this.#open = false
    closeAll(this.#waiting.splice(0))
  }

  #skip(rest: Buffer): Buffer {
    const skipped = Math.min(this.#skipping, rest.length)
    this.#skipping -= skipped
    return rest.subarray(skipped)
  }

  /** The usual case: a message in one piece is handed on where it is. */
  #pass(rest: Buffer): Buffer {
    const length = lengthOf(rest)
    return this.#emit(rest.subarray(0, length), rest.subarray(length))
  }

  #collect(bytes: Buffer): Buffer {
    const taken = bytes.copy(this.#begun, this.#filled)
    const rest = bytes.subarray(taken)
    this.#filled += taken
    if (this.#filled < this.#begun.length) return rest
    return this.#begun === this.#header ? this.#begin(rest) : this.#complete(rest)
  }

  /** The header is whole. */
  #begin(rest: Buffer): Buffer {
    const length = lengthOf(this.#header)
    if (length === HEADER.size) return this.#complete(rest)
    if (length > HEADER.size && length <= MAX_MESSAGE) {
      this.#begun = Buffer.allocUnsafe(length)
      this.#header.copy(this.#begun)
      return rest
    }
    this.#filled = 0
    closeAll(this.#waiting.splice(0))
    if (length > MAX_MESSAGE) {
      this.#skipping = length - HEADER.size
      this.#handlers.tooLong(this.#header)
    } else {
      this.#open = false
      this.#handlers.senseless(this.#header)
    }
    return rest
  }

  #complete(rest: Buffer): Buffer {
    const message = this.#begun
    this.#begun = this.#header
    this.#filled = 0
    return this.#emit(message, rest)
  }

  #emit(message: Buffer, rest: Buffer): Buffer {
    let fds = this.#waiting
    this.#waiting = []
    if (rest.length === 0 && this.#arrived.length > 0) {
      fds = [...fds, ...this.#arrived]
      this.#arrived = []
    }
    this.#handlers.message(message, fds)
    return rest
  }
}

const lengthOf = (message: Buffer): number => message.readUInt32LE(HEADER.length)

/** Whether a message that can be taken is there from its first byte to its last. */
function beginsWhole(bytes: Buffer): boolean {
  if (bytes.length < HEADER.size) return false
  const length = lengthOf(bytes)
  return length >= HEADER.size && length <= Math.min(bytes.length, MAX_MESSAGE)
}

function closeAll(fds: number[]): void {
  for (const fd of fds) closeSync(fd)
}
