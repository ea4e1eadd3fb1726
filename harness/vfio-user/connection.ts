// SPDX-License-Identifier: Apache-2.0
import { closeSync } from 'node:fs'
import { Watch } from './poller.ts'
import { Errno, Flag, HEADER, MAX_MESSAGE, type Message, writeHeader } from './protocol.ts'
import { type Received, receive, send } from './system.ts'

/** Bytes that may wait for a client that does not read. */
const MAX_UNSENT = 16 * MAX_MESSAGE

export interface ConnectionEvents {
  /** A request, whole. */
  request(message: Message): void
  ended(): void
}

/** The answer to a message of ours was an error, or did not come. */
export class RequestFailed extends Error {
  override readonly name = 'RequestFailed'
}

interface Pending {
  command: number
  resolve: (body: Buffer) => void
  reject: (reason: Error) => void
  expiry: NodeJS.Timeout
}

/** Messages over one connected socket, both ways. */
export class Connection {
  readonly #fd: number
  readonly #watch: Watch
  readonly #events: ConnectionEvents
  /** What has come of a message that is not whole yet. */
  #parts: Buffer[] = []
  #length = 0
  #fds: number[] = []
  /** Bytes of a refused message that are still to come. */
  #skipping = 0
  #unsent: Buffer[] = []
  readonly #pending = new Map<number, Pending>()
  #nextId = 1
  #open = true

  constructor(fd: number, events: ConnectionEvents) {
    this.#fd = fd
    this.#events = events
    this.#watch = new Watch(fd, { readable: () => this.#readable(), writable: () => this.#flush() })
  }

  get isOpen(): boolean {
    return this.#open
  }

  /** Sends a reply, or its error. `message` begins with room for the header. */
  reply(request: { id: number; command: number }, message: Buffer): void {
    writeHeader(message, { id: request.id, command: request.command, flags: Flag.REPLY })
    this.#send(message)
  }

  refuse(request: { id: number; command: number }, errno: number): void {
    const message = Buffer.allocUnsafe(HEADER.size)
    const flags = Flag.REPLY | Flag.ERROR
    writeHeader(message, { id: request.id, command: request.command, flags, error: errno })
    this.#send(message)
  }

  /**
   * Sends a request of ours and gives the body of the answer. `message` begins with room for the header; `deadline` in ms.
   *
   * @throws RequestFailed when the client refuses, does not answer, or has gone.
   */
  request(command: number, message: Buffer, deadline: number): Promise<Buffer> {
    const id = this.#nextId
    this.#nextId = (id % 0xffff) + 1
    writeHeader(message, { id, command, flags: Flag.REQUEST })
    return new Promise((resolve, reject) => {
      const expiry = setTimeout(() => {
        this.#pending.delete(id)
        reject(new RequestFailed(`no answer to command ${command} within ${deadline} ms`))
      }, deadline)
      this.#pending.set(id, { command, resolve, reject, expiry })
      this.#send(message)
    })
  }

  close(): void {
    if (!this.#open) return
    this.#open = false
    this.#watch.close()
    closeSync(this.#fd)
    for (const fd of this.#fds.splice(0)) closeSync(fd)
    for (const { reject, expiry } of this.#pending.values()) {
      clearTimeout(expiry)
      reject(new RequestFailed('the connection has ended'))
    }
    this.#pending.clear()
    this.#events.ended()
  }

  #readable(): void {
    const received = receive(this.#fd)
    if (received === undefined) return
    if (received === 'end') this.close()
    else this.#take(received)
  }

  /** Descriptors belong to the last message that began: the kernel ends a read behind the bytes that they came with. */
  #take({ bytes, fds }: Received): void {
    this.#fds.push(...fds)
    let rest = this.#skip(bytes)
    if (this.#parts.length > 0) {
      this.#parts.push(rest)
      this.#length += rest.length
      if (this.#length < HEADER.size || this.#length < this.#wanted()) {
        // The bytes are the receiver's; they last until it is called again.
        this.#parts[this.#parts.length - 1] = Buffer.from(rest)
        return
      }
      rest = Buffer.concat(this.#parts)
      this.#parts = []
      this.#length = 0
    }
    while (this.#open && rest.length >= HEADER.size) {
      const length = rest.readUInt32LE(HEADER.length)
      if (!this.#accepts(rest, length)) {
        rest = this.#skip(rest)
        continue
      }
      if (rest.length < length) break
      const message = rest.subarray(0, length)
      rest = rest.subarray(length)
      this.#dispatch(message, rest.length === 0 ? this.#fds.splice(0) : [])
    }
    if (!this.#open || rest.length === 0) return
    this.#parts = [Buffer.from(rest)]
    this.#length = rest.length
  }

  /** Length of the message that is being collected; 0 while its header is not whole. */
  #wanted(): number {
    if (this.#parts.length > 1 && (this.#parts[0]?.length ?? 0) < HEADER.size) {
      this.#parts = [Buffer.concat(this.#parts)]
    }
    const [first] = this.#parts
    return first && first.length >= HEADER.size ? first.readUInt32LE(HEADER.length) : 0
  }

  /** Whether a message of that length is looked at; if not, it has been refused. */
  #accepts(header: Buffer, length: number): boolean {
    if (length >= HEADER.size && length <= MAX_MESSAGE) return true
    const request = { id: header.readUInt16LE(HEADER.id), command: header.readUInt16LE(HEADER.command) }
    if (length > MAX_MESSAGE) {
      this.refuse(request, Errno.E2BIG)
      this.#skipping = length
      return false
    }
    // Where the next message begins, nobody can know.
    this.refuse(request, Errno.EINVAL)
    this.close()
    return false
  }

  #skip(bytes: Buffer): Buffer {
    const skipped = Math.min(this.#skipping, bytes.length)
    this.#skipping -= skipped
    return bytes.subarray(skipped)
  }

  #dispatch(bytes: Buffer, fds: number[]): void {
    const message: Message = {
      id: bytes.readUInt16LE(HEADER.id),
      command: bytes.readUInt16LE(HEADER.command),
      flags: bytes.readUInt32LE(HEADER.flags),
      body: bytes.subarray(HEADER.size),
      fds,
    }
    if ((message.flags & Flag.TYPE) === Flag.REQUEST) {
      this.#events.request(message)
      return
    }
    for (const fd of fds) closeSync(fd)
    const pending = this.#pending.get(message.id)
    if (!pending) return
    this.#pending.delete(message.id)
    clearTimeout(pending.expiry)
    if (message.flags & Flag.ERROR) {
      const errno = bytes.readUInt32LE(HEADER.error)
      pending.reject(new RequestFailed(`the emulator refused command ${pending.command}: error ${errno}`))
    } else pending.resolve(Buffer.from(message.body))
  }

  #send(message: Buffer): void {
    if (!this.#open) return
    if (this.#unsent.length > 0) {
      this.#unsent.push(message)
      if (this.#unsent.reduce((sum, { length }) => sum + length, 0) > MAX_UNSENT) this.close()
      return
    }
    const sent = send(this.#fd, message)
    if (sent === 'end') this.close()
    else if (sent < message.length) {
      this.#unsent.push(Buffer.from(message.subarray(sent)))
      this.#watch.wantsToWrite = true
    }
  }

  #flush(): void {
    while (this.#open) {
      const next = this.#unsent[0]
      if (!next) break
      const sent = send(this.#fd, next)
      if (sent === 'end') {
        this.close()
        return
      }
      if (sent < next.length) {
        this.#unsent[0] = next.subarray(sent)
        return
      }
      this.#unsent.shift()
    }
    if (this.#open) this.#watch.wantsToWrite = false
  }
}
