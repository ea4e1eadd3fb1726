// SPDX-License-Identifier: Apache-2.0
/**
 * Waits for sockets, in the event loop. To wait right here for the next request, which a guest sends as soon as it has its answer, is no
 * quicker: a wait with a short limit arms a timer of the host's, and on a virtual machine that alone is 10 µs.
 */
import { node } from 'koffi'

interface Handlers {
  readable(): void
  /** Called while `wantsToWrite` is on. */
  writable?(): void
}

/** Handles of koffi's that nobody refers to are closed. */
const open = new Set<Watch>()

/** Calls the handlers of one file descriptor from the event loop, until it is closed. */
export class Watch {
  readonly #handlers: Handlers
  readonly #handle: node.PollHandle

  constructor(fd: number, handlers: Handlers) {
    this.#handlers = handlers
    this.#handle = node.poll(fd, { readable: true, disconnect: true }, this.#ready)
    open.add(this)
  }

  set wantsToWrite(writable: boolean) {
    this.#handle.start({ readable: true, disconnect: true, writable }, this.#ready)
  }

  /** Whether it keeps this process running; it does unless it is told not to. */
  set needed(needed: boolean) {
    if (needed) this.#handle.ref()
    else this.#handle.unref()
  }

  close(): void {
    if (!open.delete(this)) return
    this.#handle.stop()
    this.#handle.close()
  }

  /** koffi 3.3 calls with (status, events), other than its types say. */
  readonly #ready = (...args: unknown[]): void => {
    const [status, { readable, writable, disconnect }] = args as [number, node.PollEvents]
    if (writable) this.#handlers.writable?.()
    // A status that is not 0 is an error of the socket's, such as a client that went and left replies unread; libuv says it once, and
    // reading tells which.
    if (readable || disconnect || status !== 0) this.#handlers.readable()
  }
}
