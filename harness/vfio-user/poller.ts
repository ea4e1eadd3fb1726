// SPDX-License-Identifier: Apache-2.0
/**
 * Waits for sockets. The event loop tells of the first request of a burst; the next ones, which a guest sends as soon as it has its answer,
 * are waited for right here, as a server in C would: that halves the cost of an access.
 */
import { node } from 'koffi'
import { pollReadable } from './system.ts'

/** ns to wait for the next request once one was answered: a guest that enumerates a bus needs about 50 µs to come back. */
const LINGER = 200_000
/** ms after which the event loop gets its turn even though requests keep coming: consoles and QMP are on it. */
const TURN = 4

export interface Handlers {
  readable(): void
  /** Called while `wantsToWrite` is on. */
  writable?(): void
}

const watches = new Map<number, Watch>()
let watched: number[] = []

/** Calls the handlers of one file descriptor from the event loop, until it is closed. */
export class Watch {
  readonly #fd: number
  readonly #handlers: Handlers
  readonly #handle: node.PollHandle

  constructor(fd: number, handlers: Handlers) {
    this.#fd = fd
    this.#handlers = handlers
    this.#handle = node.poll(fd, { readable: true, disconnect: true }, this.#ready)
    watches.set(fd, this)
    watched = [...watches.keys()]
  }

  set wantsToWrite(writable: boolean) {
    this.#handle.start({ readable: true, disconnect: true, writable }, this.#ready)
  }

  readable(): void {
    this.#handlers.readable()
  }

  close(): void {
    if (watches.get(this.#fd) !== this) return
    watches.delete(this.#fd)
    watched = [...watches.keys()]
    this.#handle.stop()
    this.#handle.close()
  }

  /** koffi 3.3 calls with (status, events), other than its types say. */
  readonly #ready = (...args: unknown[]): void => {
    const [status, { readable, writable, disconnect }] = args as [number, node.PollEvents]
    if (writable) this.#handlers.writable?.()
    // A status that is not 0 is an error of the socket's, such as a client that went and left replies unread; libuv says it once, and
    // reading tells which.
    if (!readable && !disconnect && status === 0) return
    this.#handlers.readable()
    linger()
  }
}

function linger(): void {
  const end = performance.now() + TURN
  do {
    const ready = pollReadable(watched, LINGER)
    if (ready.length === 0) return
    for (const fd of ready) watches.get(fd)?.readable()
  } while (performance.now() < end)
}
