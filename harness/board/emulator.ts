// SPDX-License-Identifier: Apache-2.0
import { once } from 'node:events'
import { createWriteStream } from 'node:fs'
import type { Socket } from 'node:net'
import { join, resolve } from 'node:path'
import type { Duplex } from 'node:stream'
import { HostProblem } from '../../images/index.ts'
import type { Forked, QemuProgram } from './fork-server.ts'
import { forkServerOf } from './fork-servers.ts'
import { Inheritance } from './inheritance.ts'
import { notWhole } from './not-whole.ts'
import { Qmp } from './qmp.ts'
import { QTest } from './qtest.ts'
import { Uart } from './uart.ts'

export interface EmulatorSpec {
  qemu: QemuProgram
  /** QEMU's arguments, less those for the wires. */
  args: string[]
  /** Ids of the character devices that `args` speaks of: the UARTs', and all others. Each becomes a stream here, and a file `ID.raw` in `dir`. */
  uarts: string[]
  wires: string[]
  /** File descriptor of the guest's RAM, for `args` that speak of `INHERITED_RAM`. It is closed here. */
  ram?: number | undefined
  /** The run's folder. */
  dir: string
}

/** What QEMU calls the RAM that it inherits. */
export const INHERITED_RAM = '/dev/fd/5'

/** How QEMU ended. */
export interface Ending {
  code: number | null
  signal: NodeJS.Signals | null
  /** The last of what it wrote on standard error. */
  stderr: string
}

/** What QEMU may not do (`qemu --help`, -sandbox): no new privileges, no new processes, no obsolete system calls. */
const SANDBOX = 'on,obsolete=deny,elevateprivileges=deny,spawn=deny,resourcecontrol=deny'

const CONTROL_WIRES = ['qmp', 'qtest']
/** QEMU's file descriptor of the first that `spec.wires` names. */
const FIRST_WIRE = 6

/** ms from SIGTERM's equivalent (QMP `quit`) to SIGKILL. */
const PATIENCE = 1000

/**
 * A QEMU process and the wires to it. The wires are socket pairs, and for UARTs pipes, that QEMU inherits: no path in the file system that
 * could be left behind or found by others, and an end of file when either side goes.
 */
export class Emulator {
  readonly qmp: Qmp
  readonly qtest: QTest
  /** When QEMU was started: `performance.now()`, ms. */
  readonly startedAt: number
  /** Resolves when QEMU takes commands; rejects with a HostProblem when it has not started. */
  readonly answers: Promise<void>
  /** Resolves when QEMU has ended, whatever the reason. */
  readonly ended: Promise<Ending>
  readonly #process: Forked
  readonly #uarts: readonly Uart[]
  readonly #wires: ReadonlyMap<string, Duplex>
  #logProblem: Error | undefined

  private constructor(process: Forked, spec: EmulatorSpec, ends: Ends, startedAt: number) {
    this.#process = process
    this.startedAt = startedAt
    this.#uarts = ends.uarts
    this.#wires = ends.wires
    const log = createWriteStream(join(spec.dir, 'qmp.log'))
    log.once('error', (error) => {
      this.#logProblem = error
    })
    this.qmp = new Qmp(this.wire('qmp'), (line) => log.write(`${line}\n`))
    this.qtest = new QTest(this.wire('qtest'))
    let stderr = ''
    ends.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr = (stderr + text).slice(-8192)
    })
    this.ended = process.ended.then(async ({ code, signal, why }) => {
      // What QEMU has printed is read to its end.
      await Promise.all([ends.stderr, ...ends.wires.values()].map(closed))
      log.end()
      return { code, signal, stderr: [why, stderr.trim()].filter(Boolean).join('\n') }
    })
    this.answers = this.#connect(spec.dir)
    this.answers.catch(() => {})
  }

  /**
   * Starts QEMU and waits until it answers.
   *
   * @throws HostProblem when it does not start.
   */
  static async start(spec: EmulatorSpec): Promise<Emulator> {
    const emulator = await Emulator.launch(spec)
    await emulator.answers
    return emulator
  }

  /**
   * Starts QEMU. What is written to its wires before it `answers` waits for it there.
   *
   * @throws HostProblem when it cannot be tried.
   */
  static async launch(spec: EmulatorSpec): Promise<Emulator> {
    const inheritance = new Inheritance()
    const ends = makeEnds(spec, inheritance)
    try {
      const server = await forkServerOf(spec.qemu)
      const startedAt = performance.now()
      const process = await server.fork(resolve(spec.dir), emulatorArguments(spec), inheritance.fds)
      return new Emulator(process, spec, ends, startedAt)
    } catch (error) {
      for (const end of [ends.stderr, ...ends.wires.values()]) end.destroy()
      throw error
    } finally {
      inheritance.inherited()
    }
  }

  async #connect(dir: string): Promise<void> {
    const failed = this.ended.then((ending) => {
      throw new HostProblem(
        `QEMU did not start: ${ending.stderr || describeEnding(ending)}`,
        `Its command line is in ${join(dir, 'reproduce.sh')}; guestrig doctor checks the installation.`,
      )
    })
    failed.catch(() => {})
    await Promise.race([this.qmp.connect().catch(() => failed), failed])
  }

  /** The stream of one wire: what QEMU's character device of that id sends and receives. */
  wire(id: string): Duplex {
    const wire = this.#wires.get(id)
    if (!wire) throw new RangeError(`no wire ${id}: there are ${[...this.#wires.keys()].join(', ')}`)
    return wire
  }

  /** Everything that QEMU has sent on its UARTs until now is on its way to the listeners. */
  fetchUarts(): void {
    for (const uart of this.#uarts) uart.fetch()
  }

  get pid(): number {
    return this.#process.pid
  }

  /**
   * Ends QEMU: asks it, then kills it.
   *
   * @throws HostProblem when the conversation with it is not on file.
   */
  async stop(): Promise<void> {
    this.qmp.execute('quit').catch(() => {})
    const kill = setTimeout(() => this.kill(), PATIENCE)
    await this.ended
    clearTimeout(kill)
    for (const wire of this.#wires.values()) wire.destroy()
    if (this.#logProblem) throw notWhole('qmp.log', this.#logProblem)
  }

  /** Ends QEMU at once, by its fork server: what has reached it before may still be answered. */
  kill(): void {
    this.#process.kill()
  }
}

export function describeEnding(ending: Ending): string {
  const how = ending.signal ? `was killed by ${ending.signal}` : `ended with status ${ending.code}`
  return ending.stderr ? `${how}: ${ending.stderr}` : how
}

/** What this process has of a QEMU's descriptors. */
interface Ends {
  stderr: Socket
  uarts: Uart[]
  /** By id; the UARTs are among them. */
  wires: Map<string, Duplex>
}

/** Makes what QEMU is to inherit, in the order that `emulatorArguments` speaks of. */
function makeEnds(spec: EmulatorSpec, inheritance: Inheritance): Ends {
  const wires = new Map<string, Duplex>()
  inheritance.nothing()
  inheritance.nothing()
  const stderr = inheritance.output()
  for (const id of CONTROL_WIRES) wires.set(id, inheritance.wire())
  if (spec.ram === undefined) inheritance.nothing()
  else inheritance.give(spec.ram)
  for (const id of spec.wires) wires.set(id, inheritance.wire())
  const uarts = spec.uarts.map((id) => new Uart(join(spec.dir, `${id}.raw`)))
  for (const [index, uart] of uarts.entries()) {
    wires.set(spec.uarts[index] as string, uart)
    for (const end of uart.qemusEnds) inheritance.give(end)
  }
  return { stderr, uarts, wires }
}

/** A stream that nobody listens to is read all the same: otherwise its end would not be seen. */
async function closed(stream: Duplex): Promise<void> {
  if (stream.closed) return
  if (stream.readableFlowing === null) stream.resume()
  await once(stream, 'close').catch(() => {})
}

/**
 * What QEMU is told beside its command: file descriptor 3 is QMP, 4 is qtest, 5 RAM, from 6 on the wires in their order, and then two for each UART. A
 * character device of the kind `file` opens them once more under their names (proc(5), /proc/PID/fd), which for a pipe is as good.
 */
function emulatorArguments(spec: EmulatorSpec): string[] {
  const firstUart = FIRST_WIRE + spec.wires.length
  return [
    ...spec.args,
    ...['-sandbox', SANDBOX],
    ...['-chardev', 'socket,id=qmp,fd=3', '-object', 'monitor-qmp,id=monitor0,chardev=qmp'],
    ...['-chardev', 'socket,id=qtest,fd=4', '-object', 'qtest,id=qtest0,chardev=qtest,log=none'],
    ...spec.wires.flatMap((id, index) => [
      '-chardev',
      `socket,id=${id},fd=${FIRST_WIRE + index},logfile=${join(spec.dir, `${id}.raw`)}`,
    ]),
    ...spec.uarts.flatMap((id, index) => {
      const to = firstUart + 2 * index
      return ['-chardev', `file,id=${id},path=/dev/fd/${to},input-path=/dev/fd/${to + 1}`]
    }),
  ]
}
