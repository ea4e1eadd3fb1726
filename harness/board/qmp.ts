// SPDX-License-Identifier: Apache-2.0
/** QEMU's machine protocol: JSON lines over a socket (QEMU, `docs/interop/qmp-spec.rst`). */
import { EventEmitter } from 'node:events'
import type { Duplex } from 'node:stream'
import { linesOf } from './lines-of.ts'

/** The events that guestrig looks at, with their data (QEMU, `qapi/run-state.json`, `qapi/qdev.json`, `qapi/migration.json`). */
export interface QmpEvents {
  SHUTDOWN: { guest: boolean; reason: string }
  RESET: { guest: boolean; reason: string }
  POWERDOWN: Record<string, never>
  STOP: Record<string, never>
  RESUME: Record<string, never>
  GUEST_PANICKED: { action: string }
  DEVICE_DELETED: { device?: string; path: string }
  MIGRATION: { status: string }
}

interface QmpEvent<Name extends keyof QmpEvents = keyof QmpEvents> {
  event: Name
  data: QmpEvents[Name]
  /** Host time, ms since the epoch. */
  at: number
}

/** QEMU refused a command. */
export class QmpError extends Error {
  override readonly name = 'QmpError'
  /** QEMU's error class, such as `GenericError` or `CommandNotFound`. */
  readonly errorClass: string
  readonly command: string

  constructor(command: string, errorClass: string, description: string) {
    super(`QEMU refused ${command}: ${description}`)
    this.errorClass = errorClass
    this.command = command
  }
}

interface Reply {
  QMP?: unknown
  id?: number
  return?: unknown
  error?: { class: string; desc: string }
  event?: keyof QmpEvents
  data?: QmpEvents[keyof QmpEvents]
  timestamp?: { seconds: number; microseconds: number }
}

interface Pending {
  command: string
  resolve: (value: unknown) => void
  reject: (reason: Error) => void
}

export class Qmp {
  readonly #stream: Duplex
  readonly #pending = new Map<number, Pending>()
  readonly #events = new EventEmitter()
  readonly #log: (line: string) => void
  #nextId = 1
  #ended = false

  /** `log` gets every line of the conversation, `>` and `<` before it. */
  constructor(stream: Duplex, log: (line: string) => void = () => {}) {
    this.#stream = stream
    this.#log = log
    linesOf(stream, (line) => this.#receive(line))
    stream.on('close', () => this.#end())
  }

  /** Waits for the greeting and leaves the negotiation mode. */
  async connect(): Promise<void> {
    await this.execute('qmp_capabilities')
  }

  /**
   * Runs one command.
   *
   * @throws QmpError when QEMU refuses it, or has gone.
   */
  async execute<T = unknown>(command: string, args?: Record<string, unknown>): Promise<T> {
    if (this.#ended) throw new QmpError(command, 'Disconnected', 'QEMU has gone')
    const id = this.#nextId++
    const line = JSON.stringify({ execute: command, arguments: args, id })
    const reply = new Promise<unknown>((resolve, reject) =>
      this.#pending.set(id, { command, resolve, reject }),
    )
    this.#log(`> ${line}`)
    this.#stream.write(`${line}\n`)
    return (await reply) as T
  }

  /** A command of the human monitor, and what it prints. For what QMP has no command for. */
  async monitor(commandLine: string): Promise<string> {
    return await this.execute<string>('human-monitor-command', { 'command-line': commandLine })
  }

  on<Name extends keyof QmpEvents>(event: Name, listener: (data: QmpEvents[Name], at: number) => void): void {
    this.#events.on(event, ({ data, at }: QmpEvent<Name>) => listener(data, at))
  }

  /**
   * The next event of that name for which `when` holds; also one that comes in the same read as others before it.
   *
   * @throws the reason of `signal` when it aborts first: give it a deadline.
   */
  next<Name extends keyof QmpEvents>(
    event: Name,
    options: { signal: AbortSignal; when?: (data: QmpEvents[Name]) => boolean },
  ): Promise<QmpEvents[Name]> {
    const { signal, when = () => true } = options
    return new Promise((resolve, reject) => {
      const listener = ({ data }: QmpEvent<Name>) => {
        if (!when(data)) return
        over()
        resolve(data)
      }
      const abort = () => {
        over()
        reject(signal.reason)
      }
      const over = () => {
        this.#events.off(event, listener)
        signal.removeEventListener('abort', abort)
      }
      this.#events.on(event, listener)
      signal.addEventListener('abort', abort)
      if (signal.aborted) abort()
    })
  }

  #receive(line: string): void {
    this.#log(`< ${line}`)
    const message = JSON.parse(line) as Reply
    if (message.event) {
      const { seconds = 0, microseconds = 0 } = message.timestamp ?? {}
      this.#events.emit(message.event, {
        event: message.event,
        data: message.data,
        at: seconds * 1e3 + microseconds / 1e3,
      })
      return
    }
    const pending = message.id === undefined ? undefined : this.#pending.get(message.id)
    if (!pending || message.id === undefined) return
    this.#pending.delete(message.id)
    if (message.error) pending.reject(new QmpError(pending.command, message.error.class, message.error.desc))
    else pending.resolve(message.return)
  }

  #end(): void {
    this.#ended = true
    for (const { command, reject } of this.#pending.values()) {
      reject(new QmpError(command, 'Disconnected', 'QEMU has gone'))
    }
    this.#pending.clear()
  }
}
