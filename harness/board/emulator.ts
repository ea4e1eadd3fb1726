// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { closeSync, createWriteStream } from 'node:fs'
import { join } from 'node:path'
import type { Duplex } from 'node:stream'
import { HostProblem } from '../../images/index.ts'
import { guarded } from './guard.ts'
import { notWhole } from './not-whole.ts'
import { Qmp } from './qmp.ts'
import { QTest } from './qtest.ts'
import { Uart } from './uart.ts'

export interface EmulatorSpec {
  /** The start of QEMU's argv. */
  command: string[]
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
  /** Resolves when QEMU has ended, whatever the reason. */
  readonly ended: Promise<Ending>
  readonly #process: ChildProcess
  readonly #uarts: readonly Uart[]
  readonly #wires: Map<string, Duplex>
  #logProblem: Error | undefined

  private constructor(process: ChildProcess, spec: EmulatorSpec, uarts: Uart[], startedAt: number) {
    this.#process = process
    this.startedAt = startedAt
    this.#uarts = uarts
    this.#wires = new Map<string, Duplex>([
      ...CONTROL_WIRES.map((id, index) => [id, process.stdio[3 + index]] as [string, Duplex]),
      ...spec.wires.map((id, index) => [id, process.stdio[FIRST_WIRE + index]] as [string, Duplex]),
      ...spec.uarts.map((id, index) => [id, uarts[index]] as [string, Duplex]),
    ])
    const log = createWriteStream(join(spec.dir, 'qmp.log'))
    log.once('error', (error) => {
      this.#logProblem = error
    })
    this.qmp = new Qmp(this.wire('qmp'), (line) => log.write(`${line}\n`))
    this.qtest = new QTest(this.wire('qtest'))
    this.ended = new Promise((resolve) => {
      let stderr = ''
      process.stderr?.setEncoding('utf8').on('data', (text: string) => {
        stderr = (stderr + text).slice(-8192)
      })
      const ends = (how: Ending) => {
        log.end()
        // What QEMU has printed is read to its end.
        void Promise.all(uarts.map(closed)).then(() => resolve(how))
      }
      process.once('error', (error) => ends({ code: null, signal: null, stderr: error.message }))
      process.once('close', (code, signal) => ends({ code, signal, stderr: stderr.trim() }))
    })
  }

  /**
   * Starts QEMU and waits until it answers.
   *
   * @throws HostProblem when it does not start.
   */
  static async start(spec: EmulatorSpec): Promise<Emulator> {
    const [file = '', ...args] = guarded([...spec.command, ...emulatorArguments(spec)])
    const { ram } = spec
    const uarts = spec.uarts.map((id) => new Uart(join(spec.dir, `${id}.raw`)))
    const startedAt = performance.now()
    const process = spawn(file, args, {
      cwd: spec.dir,
      stdio: [
        ...(['ignore', 'ignore', 'pipe'] as const),
        ...CONTROL_WIRES.map(() => 'pipe' as const),
        ram ?? 'ignore',
        ...spec.wires.map(() => 'pipe' as const),
        ...uarts.flatMap(({ qemusEnds }) => qemusEnds),
      ],
    })
    for (const uart of uarts) uart.inherited()
    if (ram !== undefined) closeSync(ram)
    const emulator = new Emulator(process, spec, uarts, startedAt)
    const failed = emulator.ended.then((ending) => {
      throw new HostProblem(
        `QEMU did not start: ${ending.stderr || describeEnding(ending)}`,
        `Its command line is in ${join(spec.dir, 'reproduce.sh')}; guestrig doctor checks the installation.`,
      )
    })
    await Promise.race([emulator.qmp.connect().catch(() => failed), failed])
    failed.catch(() => {})
    return emulator
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

  get pid(): number | undefined {
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

  /** Ends QEMU at once. */
  kill(): void {
    this.#process.kill('SIGKILL')
  }
}

export function describeEnding(ending: Ending): string {
  const how = ending.signal ? `was killed by ${ending.signal}` : `ended with status ${ending.code}`
  return ending.stderr ? `${how}: ${ending.stderr}` : how
}

/** A UART that nobody listens to is read all the same: otherwise its end would not be seen. */
async function closed(uart: Uart): Promise<void> {
  if (uart.closed) return
  if (uart.readableFlowing === null) uart.resume()
  await once(uart, 'close').catch(() => {})
}

/**
 * QEMU's whole argument list: file descriptor 3 is QMP, 4 is qtest, 5 RAM, from 6 on the wires in their order, and then two for each UART. A
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
