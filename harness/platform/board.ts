// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { type Emulator, notWhole, QmpError } from '../board/index.ts'
import {
  Console,
  type ConsoleContext,
  type ConsoleLine,
  type Failure,
  printable,
  XEN,
} from '../console/index.ts'
import { PciFunction, Trace, type TraceEntry } from '../pci/index.ts'
import type { CommandResult } from './agent.ts'
import { type Device, deviceProperties, idOf, slotOf } from './device.ts'
import { Domain } from './domain.ts'
import { Failures } from './failures.ts'
import { hangOf } from './hang.ts'
import { closeAll, LinesFile } from './lines-file.ts'
import type { Models } from './modelled.ts'
import { Patience, within } from './patience.ts'
import { type BoardPlan, type PlannedDomain, type PlatformName, UART0 } from './plan.ts'
import { fallsAsleep } from './processors.ts'
import { connectUart, type Printers } from './wiring.ts'

/** Lines by console. */
export type Printed = Record<string, ConsoleLine[]>

/** ms in which guests that have nothing to do any more fall asleep. */
const SETTLING = 15

/** ms between two looks at a condition. */
const LOOK_AGAIN = 5

/** One running emulated machine: QEMU, its domains, and what they print. */
export class Board {
  readonly platform: PlatformName
  /** The run's folder: consoles, QMP log, device trees, `reproduce.sh`. */
  readonly dir: string
  readonly emulator: Emulator
  readonly domains: readonly Domain[]
  /** Every console: the domains', and Xen's own on `xen`. */
  readonly consoles: readonly Console[]
  readonly patience = new Patience()
  readonly models: Models
  /** What the device models and the guest did to each other, on the board's clock; the whole is in `trace.jsonl`. */
  readonly trace = new Trace()
  /** ms from QEMU's start until every domain was up. */
  bootMs = 0
  /** Whether it came from a snapshot. */
  restored = false
  readonly #plan: BoardPlan
  readonly #files: { close: () => void }[]
  readonly #failures: Failures

  /**
   * Ties a running emulator to the domains of its plan. Boards are made by `bootBoard` and `obtainBoard`. `printed`: by console, what the
   * machine had printed before it was saved; it was looked at then.
   */
  constructor(plan: BoardPlan, dir: string, emulator: Emulator, models: Models, printed: Printed = {}) {
    this.#plan = plan
    this.platform = plan.platform
    this.dir = dir
    this.emulator = emulator
    this.models = models
    this.#failures = new Failures(dir)
    const consoles = plan.domains.map(({ name }) => new Console(name))
    this.consoles = plan.platform === 'xen' ? [...consoles, new Console(XEN)] : consoles
    this.#files = [...this.consoles.map((console) => this.#log(console)), this.#logTrace()]
    for (const console of this.consoles) {
      for (const line of printed[console.domain] ?? []) console.push(line)
    }
    const context = {
      patience: this.patience,
      interruption: this.failed,
      hang: (domain: string, message: string) => hangOf(emulator, domain, message),
      // A domain's answer shows that what it did before is done: then the consoles must show what it printed, and the models have what it wrote.
      catchUp: () => {
        models.fetch()
        emulator.fetchUarts()
      },
      sysrq: (domain: Domain, key: string) => this.#sysrq(domain, key),
    }
    this.domains = plan.domains.map(
      ({ name }, index) =>
        new Domain(name, this.consoles[index] as Console, emulator.wire(`agent-${name}`), context),
    )
    if (plan.platform === 'xen') this.xenConsole.attach(this.#xenContext())
    for (const console of this.consoles) this.#failures.watchConsole(console)
    for (const uart of plan.uarts) {
      emulator.wire(uart).on('error', (error) => this.fail(notWhole(`${uart}.raw`, error)))
      connectUart(emulator.wire(uart), this.#printers(uart), () => performance.now() - emulator.startedAt)
    }
    this.#follow(models)
    // Under Xen, no domain can end the machine but through Xen.
    const ends = plan.platform === 'xen' ? this.xenConsole : this.domain().console
    this.#failures.watchMachine(emulator, this.domains, ends)
  }

  /** Aborts, with the reason, when a domain crashed or QEMU went: every wait on this board ends with it. */
  get failed(): AbortSignal {
    return this.#failures.signal
  }

  /** Every domain is up, `referenceMs` after QEMU's start if this were an idle machine: time limits follow from that. */
  isUp(referenceMs: number): void {
    this.bootMs = performance.now() - this.emulator.startedAt
    this.patience.measure(this.bootMs, referenceMs)
  }

  /** The domain of that name; without a name the one under test: the only one on `virt`, the first domU on `xen`. */
  domain(name?: string): Domain {
    const wanted = name ?? this.domains.find((domain) => domain.name !== 'dom0')?.name
    const domain = this.domains.find((candidate) => candidate.name === wanted)
    if (domain) return domain
    throw new RangeError(
      `no domain '${name}' on this board: it has ${this.domains.map((d) => d.name).join(', ')}`,
    )
  }

  /** What Xen itself prints. */
  get xenConsole(): Console {
    const console = this.consoles.find(({ domain }) => domain === XEN)
    if (!console) throw new RangeError(`a board of the platform ${this.platform} has no Xen`)
    return console
  }

  /** Runs `xl` in dom0. */
  async xl(...args: string[]): Promise<CommandResult> {
    return await this.domain('dom0').run(['xl', ...args])
  }

  /** Plugs a function behind a root port while the board runs (QMP `device_add`). */
  async plug(device: Device | PciFunction): Promise<void> {
    if (!device.bus) throw new RangeError('only a function behind a root port can be plugged: name its bus')
    const properties =
      device instanceof PciFunction
        ? this.models.serve({ model: device, ...slotOf(device) })
        : deviceProperties(device, this.platform === 'xen')
    await this.emulator.qmp.execute('device_add', properties)
    this.models.connected()
  }

  /**
   * DMA addresses of the descriptor areas that a driver gave to one of QEMU's virtio functions, queue by queue, less those
   * that it did not set up. Bit 63 is set if the memory is granted.
   */
  async ringsOf(device: Device): Promise<bigint[]> {
    const path = `/machine/peripheral/${idOf(device)}/virtio-backend`
    const rings: bigint[] = []
    for (let queue = 0; ; queue++) {
      const status = await this.emulator.qmp
        .execute<{ 'vring-desc': number }>('x-query-virtio-queue-status', { path, queue })
        .catch((error: unknown) => {
          // QEMU has no command that says how many there are.
          if (error instanceof QmpError && queue > 0) return undefined
          throw error
        })
      if (!status) return rings.filter((address) => address !== 0n)
      // Exact although JSON's numbers have 53 bits: rings are aligned to pages.
      rings.push(BigInt(status['vring-desc']))
    }
  }

  /**
   * Resolves when a condition holds that no console shows: what a model has seen, what a command finds. It is looked at every few ms; a failure
   * of the board ends the wait.
   *
   * @throws DeadlineExpired, with `what` was awaited, `timeout` ms later (stretched by the board's speed; default 5000)
   */
  async until(
    what: string,
    condition: () => boolean | Promise<boolean>,
    { timeout = 5000 }: { timeout?: number } = {},
  ): Promise<void> {
    const ms = this.patience.scale(timeout)
    const look = async (signal: AbortSignal) => {
      while (!signal.aborted && !(await condition())) await sleep(LOOK_AGAIN)
    }
    const explain = () => `within ${ms} ms it did not come that ${what}\n${this.domain().lastLines(6)}`
    await within(ms, look, { interruption: this.failed, explain })
  }

  /**
   * From the call on, a failure whose title matches is what the scenario wants: it does not fail the board, however often it comes.
   *
   * @returns the first such failure, with its report
   * @throws DeadlineExpired when none comes within `timeout` ms (stretched by the board's speed; default 10 000)
   */
  expectCrash(pattern: RegExp, { timeout = 10_000 }: { timeout?: number } = {}): Promise<Failure> {
    const ms = this.patience.scale(timeout)
    const came = this.#failures.expect(pattern)
    const explain = () =>
      `within ${ms} ms there was no failure with a title like ${pattern}\n${this.domain().lastLines(6)}`
    const wanted = within(ms, () => came, { interruption: this.failed, explain })
    // A scenario that has failed before it awaits this has said why.
    wanted.catch(() => {})
    return wanted
  }

  /** From now on no failure of a guest fails the board: a person is looking at it. */
  ignoreFailures(): void {
    this.#failures.ignore()
  }

  /**
   * Resolves when what the domains have printed so far has been looked at, and every failure in it collected: what a scenario must await
   * before it may pass.
   */
  async settle(): Promise<void> {
    // Where all sleep, nobody is about to print anything. An access to a model also sleeps until it is answered.
    const asleep = this.models.none && (await fallsAsleep(this.emulator, SETTLING))
    if (!asleep) await Promise.all(this.domains.map((domain) => domain.isAlive()))
    await this.examined()
  }

  /** The same, of what has left the machine: also of one that stands still. */
  async examined(): Promise<void> {
    this.emulator.fetchUarts()
    await this.#failures.settled()
  }

  /** The board has failed: every wait ends with `reason`. The first reason stays. */
  fail(reason: Error): void {
    this.#failures.fail(reason)
  }

  /**
   * Ends QEMU; the consoles' files are whole afterwards.
   *
   * @throws HostProblem when one of them is not.
   */
  async stop(): Promise<void> {
    this.#failures.close()
    try {
      await this.emulator.stop()
    } finally {
      this.models.close()
      closeAll(this.#files)
    }
  }

  #xenContext(): ConsoleContext {
    return {
      interruption: this.failed,
      scale: (ms) => this.patience.scale(ms),
      print: () => Promise.reject(new RangeError('nothing can be printed on the console of Xen at will')),
      isAlive: async () => (await Promise.all(this.domains.map((domain) => domain.isAlive()))).some(Boolean),
      hang: (message) => hangOf(this.emulator, XEN, message),
    }
  }

  #follow(models: Models): void {
    models.onFailure((failure) => this.fail(failure))
    this.trace.start(() => performance.now() - this.emulator.startedAt, this.domain().name)
    models.trace = this.trace
  }

  /** Each console in a file of its own. */
  #log(console: Console): LinesFile<string> {
    const file = new LinesFile<string>(join(this.dir, `console-${console.domain}.log`), printable)
    console.onLine(({ text }) => file.write(text))
    return file
  }

  #logTrace(): LinesFile<TraceEntry> {
    const file = new LinesFile<TraceEntry>(join(this.dir, 'trace.jsonl'), JSON.stringify)
    this.trace.onEntry((entry) => file.write(entry))
    return file
  }

  /** Which console each printer on a UART goes to: by domid, and `Xen`. dom0 can reach Xen's, too: as hvc0. */
  #printers(uart: string): Printers {
    const { domains } = this.#plan
    const byDomid = new Map(domains.map(({ name, domid }) => [domid, this.domain(name).console]))
    const xen = this.platform === 'xen' && uart === UART0
    const alone = domains.find((domain: PlannedDomain) => domain.uart === uart)?.name
    const only = this.consoles.find(({ domain }) => domain === (xen ? XEN : alone)) as Console
    return { uart, xen, console: (source) => (source === XEN ? only : (byDomid.get(source) ?? only)) }
  }

  async #sysrq(domain: Domain, key: string): Promise<void> {
    if (this.platform === 'xen') {
      await this.xl('sysrq', domain.name, key)
      return
    }
    // A key that interrupts processor 0 while it switches away from a process that has ended is missed by every kprobe, and so by
    // pseudo-hotplug (kprobe_flush_task in the kernel's kernel/kprobes.c). When the agent, which runs there, has answered, the commands
    // before are over.
    await domain.isAlive()
    await this.emulator.qmp.execute('chardev-send-break', { id: 'uart0' })
    this.emulator.wire('uart0').write(key)
  }
}
