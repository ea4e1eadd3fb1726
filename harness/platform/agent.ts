// SPDX-License-Identifier: Apache-2.0
/**
 * The harness's end of a domain's agent (`images/guest/agent.c` is the other, and describes the frames): runs commands with
 * exact bytes and an exit status, many at once.
 */
import type { Duplex } from 'node:stream'

const HEADER = 12
/** Bytes of one STDIN frame. */
const CHUNK = 32 * 1024

const Frame = {
  run: 1,
  stdin: 2,
  kill: 3,
  ping: 4,
  awake: 5,
  tick: 6,
  hello: 64,
  stdout: 65,
  stderr: 66,
  exit: 67,
  pong: 68,
} as const
const How = { exited: 0, signalled: 1, notStarted: 2 } as const

const SIGKILL = 9

export interface CommandResult {
  /** Standard output, as UTF-8. */
  stdout: string
  stderr: string
  /** Standard output, byte for byte. */
  bytes: Buffer
  /** Exit status; 128 + n when a signal n ended it, 127 when it could not be started. */
  status: number
}

interface Running {
  stdout: Buffer[]
  stderr: Buffer[]
  resolve: (result: CommandResult) => void
  reject: (reason: Error) => void
}

/** The other end of the agent's port is closed: QEMU has ended. */
export class AgentGone extends Error {
  override readonly name = 'AgentGone'

  constructor() {
    super('QEMU has gone')
  }
}

interface Waiting {
  resolve: () => void
  reject: (reason: Error) => void
}

export class Agent {
  /** What the agent said when it came up: role and kernel release, such as `domU 6.12.107`. */
  readonly hello: Promise<string>
  readonly #stream: Duplex
  readonly #answering: () => void
  readonly #running = new Map<number, Running>()
  readonly #pongs = new Map<number, Waiting>()
  #greet: (text: string) => void = () => {}
  #nextId = 1
  #received: Buffer = Buffer.alloc(0)

  /** `answering` is called before an answer is passed on: to catch up with what the domain did before it. */
  constructor(stream: Duplex, answering: () => void) {
    this.#stream = stream
    this.#answering = answering
    this.hello = new Promise((resolve) => {
      this.#greet = resolve
    })
    stream.on('data', (bytes: Buffer) => this.#receive(bytes))
    stream.on('error', () => {})
    stream.on('close', () => {
      for (const { reject } of [...this.#running.values(), ...this.#pongs.values()]) reject(new AgentGone())
      this.#running.clear()
      this.#pongs.clear()
    })
  }

  /** Runs `argv`; when `signal` aborts, the command's processes are killed and the promise rejects with the reason. */
  run(
    argv: string[],
    options: { input?: string | Uint8Array | undefined; signal: AbortSignal },
  ): Promise<CommandResult> {
    if (this.#stream.destroyed) return Promise.reject(new AgentGone())
    const id = this.#nextId++
    return new Promise((resolve, reject) => {
      const abort = () => {
        this.#running.delete(id)
        this.#send(id, Frame.kill, Buffer.from(Uint32Array.of(SIGKILL).buffer))
        reject(options.signal.reason)
      }
      const over = () => options.signal.removeEventListener('abort', abort)
      this.#running.set(id, {
        stdout: [],
        stderr: [],
        resolve: (result) => {
          over()
          resolve(result)
        },
        reject: (reason) => {
          over()
          reject(reason)
        },
      })
      options.signal.addEventListener('abort', abort)
      this.#send(id, Frame.run, Buffer.from(argv.map((word) => `${word}\0`).join('')))
      const input = Buffer.from(options.input ?? '')
      for (let at = 0; at < input.length; at += CHUNK)
        this.#send(id, Frame.stdin, input.subarray(at, at + CHUNK))
      this.#send(id, Frame.stdin, Buffer.alloc(0))
    })
  }

  /** Resolves when the agent answers; given `sleep`, after it has slept for so many ns on each processor. */
  ping(sleep?: number): Promise<void> {
    return this.#ask(Frame.ping, sleep === undefined ? [] : [sleep])
  }

  /** Resolves when the agent answers, after an interrupt of each processor's timer. */
  tick(): Promise<void> {
    return this.#ask(Frame.tick, [])
  }

  /** Resolves when the agent answers, which then does not sleep for so many ms, unless something is sent to it. */
  stayAwake(ms: number): Promise<void> {
    return this.#ask(Frame.awake, [ms])
  }

  #ask(type: number, numbers: number[]): Promise<void> {
    if (this.#stream.destroyed) return Promise.reject(new AgentGone())
    const id = this.#nextId++
    return new Promise((resolve, reject) => {
      this.#pongs.set(id, { resolve, reject })
      this.#send(id, type, Buffer.from(Uint32Array.from(numbers).buffer))
    })
  }

  #send(id: number, type: number, payload: Buffer): void {
    if (this.#stream.destroyed) return
    const header = Buffer.alloc(HEADER)
    header.writeUInt32LE(payload.length, 0)
    header.writeUInt32LE(id, 4)
    header.writeUInt32LE(type, 8)
    this.#stream.write(Buffer.concat([header, payload]))
  }

  #receive(bytes: Buffer): void {
    this.#received = this.#received.length ? Buffer.concat([this.#received, bytes]) : bytes
    while (this.#received.length >= HEADER) {
      const end = HEADER + this.#received.readUInt32LE(0)
      if (this.#received.length < end) return
      this.#obey(
        this.#received.readUInt32LE(4),
        this.#received.readUInt32LE(8),
        this.#received.subarray(HEADER, end),
      )
      this.#received = this.#received.subarray(end)
    }
  }

  #obey(id: number, type: number, payload: Buffer): void {
    if (type === Frame.exit || type === Frame.pong) this.#answering()
    const running = this.#running.get(id)
    if (type === Frame.hello) this.#greet(payload.toString())
    if (type === Frame.stdout) running?.stdout.push(Buffer.from(payload))
    if (type === Frame.stderr) running?.stderr.push(Buffer.from(payload))
    if (type === Frame.exit) {
      this.#running.delete(id)
      running?.resolve(result(running, payload.readUInt32LE(0), payload.readUInt32LE(4)))
    }
    if (type === Frame.pong) {
      this.#pongs.get(id)?.resolve()
      this.#pongs.delete(id)
    }
  }
}

function result(running: Running, how: number, value: number): CommandResult {
  const bytes = Buffer.concat(running.stdout)
  const stderr = Buffer.concat(running.stderr).toString()
  return {
    bytes,
    stdout: bytes.toString(),
    stderr: how === How.notStarted ? `${stderr}could not be started: errno ${value}` : stderr,
    status: how === How.exited ? value : how === How.signalled ? 128 + value : 127,
  }
}
