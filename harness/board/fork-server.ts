// SPDX-License-Identifier: Apache-2.0
/**
 * QEMU, loaded once for all emulators that one process has: what takes longest at its start, the loader's work and the constructors, is done when the
 * server has started; an emulator is a child that it forks. It is QEMU's own program with `images/host/fork-server.c` in it.
 */
import { type ChildProcess, spawn } from 'node:child_process'
import { closeSync } from 'node:fs'
import type { Socket } from 'node:net'
import { constants } from 'node:os'
import { HostProblem, type Qemu } from '../../images/index.ts'
import { errnoName, receive, sendRecord, socketPair, Watch } from '../system/index.ts'
import {
  killRequest,
  MAX_STRINGS,
  type Report,
  ReportType,
  ROOM,
  readReport,
  startRequest,
} from './fork-protocol.ts'
import { guarded } from './guard.ts'

/** ms in which it must have started, must answer, and must end: all that takes a few of them. */
const PATIENCE = 10_000
/**
 * QEMU allocates 14 MB before its guest runs; with huge pages that takes 2500 page faults less, a tenth of its start (glibc manual, "Memory
 * Allocation Tunables"; where the kernel has none, it changes nothing).
 */
const TUNABLES = 'glibc.malloc.hugetlb=1'
/** Characters that are kept of what it says on standard error. */
const COMPLAINT = 2000

export type QemuProgram = Pick<Qemu, 'command' | 'forkServer'>

/** How a child ended; `why` if not by itself. */
export interface ChildEnding {
  code: number | null
  signal: NodeJS.Signals | null
  why?: string
}

/** A child that has begun to run QEMU's `main`. */
export interface Forked {
  pid: number
  ended: Promise<ChildEnding>
  kill(): void
}

interface Child {
  /** The pid, or what stood in the way. */
  answered(pid: number | string): void
  ended(how: ChildEnding): void
}

export class ForkServer {
  /** Resolves with how it ended. */
  readonly gone: Promise<string>
  readonly #process: ChildProcess
  readonly #socket: number
  readonly #watch: Watch
  readonly #children = new Map<number, Child>()
  #open = true
  #late = false
  /** How it ended, if it has. */
  #end: string | undefined
  #nextId = 1
  #ready = () => {}
  /** Until the request before has been answered. So the socket always has room for one. */
  #turn: Promise<unknown> = Promise.resolve()

  private constructor({ command: [loader = '', ...rest], forkServer }: QemuProgram) {
    const [ours, theirs] = socketPair('records')
    this.#socket = ours
    this.#watch = new Watch(ours, { readable: () => this.#receive() })
    const [file = '', ...args] = guarded([loader, '--preload', forkServer, ...rest, ROOM])
    // File descriptor 3 is where it looks for the socket.
    this.#process = spawn(file, args, {
      cwd: '/',
      env: { ...process.env, GLIBC_TUNABLES: TUNABLES },
      stdio: ['ignore', 'ignore', 'pipe', theirs],
    })
    closeSync(theirs)
    let complaint = ''
    this.#process.stderr?.setEncoding('utf8').on('data', (text: string) => {
      complaint = (complaint + text).slice(0, COMPLAINT)
    })
    this.gone = new Promise((resolve) => {
      this.#process.once('error', (error) => resolve(error.message))
      this.#process.once('close', (code, signal) => {
        const end = signal ? `was killed by ${signal}` : `ended with status ${code}`
        const how = this.#late ? `has not answered for ${PATIENCE / 1000} s` : end
        resolve([`its fork server ${how}`, complaint.trim()].filter(Boolean).join(': '))
      })
    })
    void this.gone.then((how) => this.#lost(how))
  }

  /**
   * Starts a server of this QEMU.
   *
   * @throws HostProblem, with what the loader says, when it does not start.
   */
  static async start(qemu: QemuProgram): Promise<ForkServer> {
    const server = new ForkServer(qemu)
    const ready = new Promise<undefined>((resolve) => {
      server.#ready = () => resolve(undefined)
    })
    const reason = await server.#inTime(Promise.race([ready, server.gone]))
    if (reason !== undefined) throw doesNotStart(reason)
    server.#need(false)
    return server
  }

  /**
   * Starts QEMU with more arguments, in the folder `dir`. Of `fds` it has copies, as 0, 1, 2, … in their order, and no other descriptors.
   *
   * @throws HostProblem when it cannot be started.
   */
  async fork(dir: string, args: readonly string[], fds: readonly number[]): Promise<Forked> {
    const forked = this.#turn.then(() => this.#fork(dir, args, fds))
    this.#turn = forked.catch(() => {})
    return await forked
  }

  async #fork(dir: string, args: readonly string[], fds: readonly number[]): Promise<Forked> {
    if (this.#end !== undefined) throw doesNotStart(this.#end)
    const id = this.#nextId++
    const request = startRequest(id, dir, args)
    if (request.length > MAX_STRINGS)
      throw doesNotStart(`its arguments take ${request.length} bytes, and ${MAX_STRINGS} is the most`)
    const child: Child = { answered: () => {}, ended: () => {} }
    const ended = new Promise<ChildEnding>((resolve) => {
      child.ended = resolve
    })
    const answer = new Promise<number | string>((resolve) => {
      child.answered = resolve
    })
    this.#children.set(id, child)
    this.#need(true)
    this.#send(request, fds)
    const pid = await this.#inTime(answer)
    if (typeof pid === 'string') throw doesNotStart(pid)
    return { pid, ended, kill: () => this.#send(killRequest(id)) }
  }

  /** Ends it, and whatever it has forked. */
  async end(): Promise<void> {
    this.#need(true)
    this.#close()
    await this.#inTime(this.gone)
  }

  /** What comes in time; a server that leaves this process waiting is killed, which settles everything. */
  async #inTime<T>(awaited: Promise<T>): Promise<T> {
    const deadline = setTimeout(() => {
      this.#late = true
      this.#process.kill('SIGKILL')
    }, PATIENCE)
    try {
      return await awaited
    } finally {
      clearTimeout(deadline)
    }
  }

  #send(request: Buffer, fds: readonly number[] = []): void {
    if (!this.#open) return
    try {
      sendRecord(this.#socket, request, fds)
    } catch {
      // It has gone, or does not read: its end tells.
      this.#process.kill('SIGKILL')
    }
  }

  #receive(): void {
    while (this.#open) {
      const received = receive(this.#socket)
      if (received === undefined) return
      if (received === 'end') this.#close()
      else this.#take(readReport(received.bytes))
    }
  }

  #take({ type, id, value }: Report): void {
    const child = this.#children.get(id)
    if (type === ReportType.READY) this.#ready()
    else if (type === ReportType.STARTED) child?.answered(value)
    else {
      if (type === ReportType.NOT_STARTED) child?.answered(`it cannot be forked: ${errnoName(value)}`)
      else if (type === ReportType.EXITED) child?.ended({ code: value, signal: null })
      else child?.ended({ code: null, signal: signalName(value) })
      this.#children.delete(id)
      this.#need(this.#children.size > 0)
    }
  }

  /** The server has gone, and the kernel kills its children. */
  #lost(why: string): void {
    this.#end = why
    this.#close()
    for (const child of this.#children.values()) {
      child.answered(why)
      child.ended({ code: null, signal: 'SIGKILL', why })
    }
    this.#children.clear()
  }

  #close(): void {
    if (!this.#open) return
    this.#open = false
    this.#watch.close()
    closeSync(this.#socket)
  }

  /** Whether this process is to go on for the server's sake. */
  #need(needed: boolean): void {
    if (!this.#open) return
    const stderr = this.#process.stderr as Socket | null
    for (const handle of [this.#process, stderr]) needed ? handle?.ref() : handle?.unref()
    this.#watch.needed = needed
  }
}

const doesNotStart = (why: string): HostProblem =>
  new HostProblem(`QEMU did not start: ${why}`, 'guestrig doctor checks the installation.')

const signalName = (value: number): NodeJS.Signals | null =>
  (Object.entries(constants.signals).find(([, number]) => number === value)?.[0] ??
    null) as NodeJS.Signals | null
