// SPDX-License-Identifier: Apache-2.0
import type { Duplex } from 'node:stream'
import { setTimeout as sleep } from 'node:timers/promises'
import { HostProblem } from '../../images/index.ts'
import { type Console, DeadlineExpired, indent } from '../console/index.ts'
import { Agent, AgentGone, type CommandResult } from './agent.ts'
import { GuestFunction } from './guest-function.ts'
import { type Patience, within } from './patience.ts'

export interface RunOptions {
  /** For the command's standard input; default: none. */
  input?: string | Uint8Array
  /** ms, stretched by the board's speed; default 10 000. */
  timeout?: number
  /** Resolve whatever the exit status; default false: a status other than 0 rejects. */
  mayFail?: boolean
}

/** A command in a guest ended with a status other than 0. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed'
  readonly result: CommandResult

  constructor(domain: string, command: string, result: CommandResult) {
    const said = [result.stderr, result.stdout].join('').trimEnd()
    super(`in ${domain}: ${command}: status ${result.status}${said ? `\n${indent(said.split('\n'))}` : ''}`)
    this.result = result
  }
}

/** How long a live agent takes to answer at most, ms. */
const PING = 2000
/** How long after QEMU has gone the board may still find out why, ms: more than it leaves a report to arrive. */
const EXPLANATION = 600

export interface DomainContext {
  patience: Patience
  /** Aborts, with the reason, when the board failed. */
  interruption: AbortSignal
  /** Why a domain does not answer any more: the guest hangs, or the emulator is stuck. */
  hang: (domain: string, message: string) => Promise<Error>
  /** What was printed until now comes on the consoles, and what was written to models arrives there, before it returns. */
  catchUp: () => void
  /** Makes a sysrq key arrive in the domain. */
  sysrq: (domain: Domain, key: string) => Promise<void>
}

/** One Linux instance on a board: its console, and an agent that runs commands apart from it. */
export class Domain {
  readonly name: string
  readonly console: Console
  readonly #agent: Agent
  readonly #context: DomainContext

  constructor(name: string, console: Console, port: Duplex, context: DomainContext) {
    this.name = name
    this.console = console
    this.#agent = new Agent(port, context.catchUp)
    this.#context = context
    console.attach({
      interruption: context.interruption,
      scale: (ms) => context.patience.scale(ms),
      print: async (text) => {
        await this.run(['sh', '-c', 'cat >/dev/kmsg'], { input: `<6>${text}\n` })
      },
      isAlive: () => this.isAlive(),
      hang: (message) => context.hang(name, message),
    })
  }

  /** Resolves when the domain's init has come up. */
  get up(): Promise<string> {
    return this.#agent.hello
  }

  /**
   * Runs a command: a string goes to the guest's shell, an array is an argv. Standard output comes back byte for byte and never
   * touches the console.
   *
   * @throws CommandFailed on a status other than 0, unless `mayFail`.
   * @throws DeadlineExpired when it does not end in time; GuestHang when the guest does not answer at all any more.
   */
  async run(command: string | string[], options: RunOptions = {}): Promise<CommandResult> {
    const { patience, interruption } = this.#context
    const argv = typeof command === 'string' ? ['sh', '-c', command] : command
    const shown = typeof command === 'string' ? command : command.join(' ')
    const ms = patience.scale(options.timeout ?? 10_000)
    const result = await within(ms, (signal) => this.#agent.run(argv, { input: options.input, signal }), {
      interruption,
      explain: () => `in ${this.name}: ${shown}: no end after ${ms} ms\n${this.lastLines()}`,
    }).catch((error: unknown) => this.#blame(error))
    if (result.status !== 0 && !options.mayFail) throw new CommandFailed(this.name, shown, result)
    return result
  }

  /**
   * Loads a driver of `drivers/` by name, with its parameters.
   *
   * @throws HostProblem when it does not load: without it, nothing can be said of the guest.
   */
  async loadDriver(name: string, parameters: Record<string, string> = {}): Promise<void> {
    const words = Object.entries(parameters).map(([key, value]) => `${key}=${value}`)
    const result = await this.run(['insmod', `/lib/modules/guestrig/${name}.ko`, ...words], { mayFail: true })
    if (result.status === 0) return
    throw new HostProblem(
      `in ${this.name}: the driver ${name} does not load: ${result.stderr.trim()}\n${this.lastLines()}`,
      `Was it built for this kernel? A kernel given as a file needs its build tree around it; the reason is on the console above.`,
    )
  }

  /** Unloads a driver of `drivers/`. */
  async unloadDriver(name: string): Promise<void> {
    await this.run(['rmmod', name.replaceAll('-', '_')])
  }

  /**
   * Presses a sysrq key: by `xl sysrq` under Xen, by a serial BREAK on the `virt` platform. `xl sysrq` writes the key to the guest's
   * `control/sysrq` and does not wait until it is taken: a second key sent before that replaces the first. So await what the first one
   * prints.
   */
  async sysrq(key: string): Promise<void> {
    await this.#context.sysrq(this, key)
  }

  /** The PCI function at `bdf`, such as `00:03.0`, as the guest's user space reaches it. */
  pci(bdf: string): GuestFunction {
    return new GuestFunction(bdf, (argv) => this.run(argv))
  }

  /** The content of a file in the guest. */
  async read(path: string): Promise<string> {
    return (await this.run(['cat', path])).stdout
  }

  /** Whether the guest still answers. */
  isAlive(): Promise<boolean> {
    return this.#comes(() => this.#agent.ping())
  }

  /** Whether time moves in the guest: it answers within `timeout` ms, after the timer of each of its processors has interrupted it. */
  isTimeMoving({ timeout = PING }: { timeout?: number } = {}): Promise<boolean> {
    return this.#comes(() => this.#agent.tick(), timeout)
  }

  /** Whether the guest wakes when its timers expire: it answers after it has slept for `ms` (at most 4000) on each of its processors. */
  wakesAfter(ms: number): Promise<boolean> {
    return this.#comes(() => this.#agent.ping(ms * 1e6), PING + ms)
  }

  /** Whether the guest still answers; for so many ms after that, its agent does not sleep until it is asked once more. */
  staysAwake(ms: number): Promise<boolean> {
    return this.#comes(() => this.#agent.stayAwake(ms))
  }

  async #comes(answer: () => Promise<void>, timeout = PING): Promise<boolean> {
    const { patience, interruption } = this.#context
    return await within(patience.scale(timeout), answer, {
      interruption,
      explain: () => '',
    }).then(
      () => true,
      async (error: unknown) => {
        await this.#explained(error).catch(() => {})
        return false
      },
    )
  }

  /** The end of the console, for a message. */
  lastLines(count = 12): string {
    const lines = this.console.tail(count)
    return lines.length
      ? `the last lines of ${this.name}:\n${indent(lines)}`
      : `${this.name} has printed nothing.`
  }

  /** If QEMU has gone, the board's reason for it is better than what its wires show. Rejects with that; resolves if there is none. */
  async #explained(error: unknown): Promise<void> {
    const { interruption } = this.#context
    if (!(error instanceof AgentGone)) return
    await sleep(EXPLANATION, undefined, { signal: interruption }).catch(() => interruption.throwIfAborted())
  }

  /** A deadline that passed in a guest that does not answer any more is a hang. */
  async #blame(error: unknown): Promise<never> {
    await this.#explained(error)
    if (error instanceof DeadlineExpired && !(await this.isAlive())) {
      throw await this.#context.hang(this.name, `${this.name} does not answer any more; ${error.message}`)
    }
    throw error
  }
}
