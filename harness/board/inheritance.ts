// SPDX-License-Identifier: Apache-2.0
import { closeSync, openSync } from 'node:fs'
import { Socket } from 'node:net'
import { makePipe, socketPair } from '../system/index.ts'

/** The file descriptors that a process is to inherit as 0, 1, 2, … in the order in which they are added here, and the other ends of them. */
export class Inheritance {
  readonly fds: number[] = []
  #nothing: number | undefined

  /** A descriptor that is closed here, once it is inherited. */
  give(fd: number): void {
    this.fds.push(fd)
  }

  /** Nothing comes from there, and whatever is written to it goes nowhere. */
  nothing(): void {
    this.#nothing ??= openSync('/dev/null', 'r+')
    this.give(this.#nothing)
  }

  /** What the process writes there. */
  output(): Socket {
    const { from, to } = makePipe()
    this.give(to)
    return new Socket({ fd: from, readable: true, writable: false })
  }

  /** What the process writes there and reads from there. */
  wire(): Socket {
    const [ours, theirs] = socketPair('stream')
    this.give(theirs)
    return new Socket({ fd: ours, readable: true, writable: true })
  }

  /** The process has its ends. Nobody else may hold them, for this side to see that it has gone. */
  inherited(): void {
    for (const fd of new Set(this.fds)) closeSync(fd)
  }
}
