// SPDX-License-Identifier: Apache-2.0
import { closeSync } from 'node:fs'
import { receive, send, Watch } from '../system/index.ts'
import { Framer } from './framing.ts'
import {
  Errno,
  Flag,
  HEADER,
  type Header,
  MAX_MESSAGE,
  type Message,
  readHeader,
  writeHeader,
} from './protocol.ts'

/** Bytes that may wait for a client that does not read, and what each message that waits counts beside its own bytes. */
const MAX_UNSENT = 16 * MAX_MESSAGE
const OVERHEAD = 256

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
  readonly #framer: Framer
  #unsent: Buffer[] = []
  /** What `#unsent` counts. */
  #backlog = 0
  readonly #pending = new Map<number, Pending>()
  #nextId = 1
  #open = true

  constructor(fd: number, events: ConnectionEvents) {
    this.#fd = fd
    this.#events = events
    this.#framer = new Framer({
      message: (bytes, fds) => this.#dispatch(bytes, fds),
      tooLong: (header) => this.#turnAway(readHeader(header), Errno.E2BIG),
      senseless: (header) => {
        this.#turnAway(readHeader(header), Errno.EINVAL)
        this.close()
      },
    })
    this.#watch = new Watch(fd, { readable: () => this.fetch(), writable: () => this.#flush() })
  }

  /** Sends a reply, if one is wanted. `message` begins with room for the header. */
  reply(request: Header, message: Buffer): void {
    if (request.flags & Flag.NO_REPLY) return
    writeHeader(message, { id: request.id, command: request.command, flags: Flag.REPLY })
    this.#send(message)
  }

  /** Sends an error as the reply, if one is wanted. */
  refuse(request: Header, errno: number): void {
    if (request.flags & Flag.NO_REPLY) return
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
    if (!this.#open) return Promise.reject(ended())
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
    this.#framer.close()
    closeSync(this.#fd)
    for (const { reject, expiry } of this.#pending.values()) {
      clearTimeout(expiry)
      reject(ended())
    }
    this.#pending.clear()
    this.#events.ended()
  }

  /** What the client has sent until now has come to its handler when it returns: one read takes more than a socket holds (unix(7), SO_SNDBUF). */
  fetch(): void {
    // The handler for writing may have closed it just before.
    if (!this.#open) return
    const received = receive(this.#fd)
    if (received === undefined) return
    if (received === 'end') this.close()
    else this.#framer.take(received.bytes, received.fds)
  }

  #dispatch(bytes: Buffer, fds: number[]): void {
    const header = readHeader(bytes)
    const body = bytes.subarray(HEADER.size)
    if ((header.flags & Flag.TYPE) === Flag.REQUEST) {
      // Not spread: V8 makes such an object a new hidden class each time, which costs more than the rest of the access.
      const { id, command, flags, error } = header
      this.#events.request({ id, command, flags, error, body, fds })
      return
    }
    for (const fd of fds) closeSync(fd)
    if ((header.flags & Flag.TYPE) !== Flag.REPLY) this.refuse(header, Errno.EINVAL)
    else if (header.flags & Flag.ERROR) this.#fail(header.id, `error ${header.error}`)
    else this.#settle(header.id)?.resolve(Buffer.from(body))
  }

  /** A message of which only the header is looked at: a request is refused, a reply fails what it answers. */
  #turnAway(header: Header, errno: number): void {
    if ((header.flags & Flag.TYPE) === Flag.REPLY) this.#fail(header.id, 'an answer of a wrong size')
    else this.refuse(header, errno)
  }

  /** A request of ours that has been answered; undefined if there is none of that id. */
  #settle(id: number): Pending | undefined {
    const pending = this.#pending.get(id)
    this.#pending.delete(id)
    clearTimeout(pending?.expiry)
    return pending
  }

  #fail(id: number, reason: string): void {
    const pending = this.#settle(id)
    pending?.reject(new RequestFailed(`the emulator refused command ${pending.command}: ${reason}`))
  }

  #send(message: Buffer): void {
    if (!this.#open) return
    if (this.#unsent.length > 0) {
      this.#keep(message)
      return
    }
    const sent = send(this.#fd, message)
    if (sent === 'end') this.close()
    else if (sent < message.length) {
      this.#keep(message.subarray(sent))
      this.#watch.wantsToWrite = true
    }
  }

  #keep(message: Buffer): void {
    this.#unsent.push(message)
    this.#backlog += message.length + OVERHEAD
    if (this.#backlog > MAX_UNSENT) this.close()
  }

  #flush(): void {
    const bytes = Buffer.concat(this.#unsent)
    const sent = send(this.#fd, bytes)
    if (sent === 'end') {
      this.close()
      return
    }
    const rest = bytes.subarray(sent)
    this.#unsent = rest.length > 0 ? [rest] : []
    this.#backlog = rest.length
    if (rest.length === 0) this.#watch.wantsToWrite = false
  }
}

const ended = (): RequestFailed => new RequestFailed('the connection has ended')
