// SPDX-License-Identifier: Apache-2.0
import { setTimeout as sleep } from 'node:timers/promises'
import { HostProblem } from '../../images/index.ts'
import type { Emulator } from '../board/index.ts'
import { type Console, type Failure, type Found, GuestCrash, watchForFailure } from '../console/index.ts'
import type { Domain } from './domain.ts'
import { emulatorGone, machineEnded } from './endings.ts'
import { OpenReports } from './open-reports.ts'
import { WantedFailures } from './wanted.ts'

/** How long a failure's report may still be on its way when QEMU has ended, ms. */
const LAST_WORDS = 400

/** What fails one board: a failure on one of its consoles that the scenario does not want, the machine's end, or whatever else calls `fail`. */
export class Failures {
  readonly #dir: string
  readonly #controller = new AbortController()
  readonly #reports: OpenReports[] = []
  readonly #wanted = new WantedFailures()
  /** Until the reasons of an end are there. */
  readonly #ends: Promise<void>[] = []
  #machineEnded = false
  #ignoring = false
  #over = false

  /** `dir`: the run's folder. */
  constructor(dir: string) {
    this.#dir = dir
  }

  /** Aborts with the first reason. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }

  fail(reason: Error): void {
    if (!this.#over) this.#controller.abort(reason)
  }

  /** The board is being stopped: nothing fails it any more. */
  close(): void {
    this.#over = true
  }

  /** From now on no failure on a console fails the board. */
  ignore(): void {
    this.#ignoring = true
  }

  /** From now on failures whose title matches do not fail the board. Resolves with the first. */
  expect(pattern: RegExp): Promise<Failure> {
    return this.#wanted.want(pattern)
  }

  /** Resolves when no report is half-way. */
  async settled(): Promise<void> {
    await Promise.all([...this.#reports.map((reports) => reports.none()), ...this.#ends])
  }

  watchConsole(console: Console): void {
    const reports = new OpenReports()
    this.#reports.push(reports)
    const found = (one: Found) => {
      this.#found(one)
      reports.whole()
    }
    watchForFailure(console, found, () => reports.begun())
  }

  /** Watches for the machine's end; `console` is of whoever can bring it about. */
  watchMachine(emulator: Emulator, domains: readonly Domain[], console: Console): void {
    emulator.qmp.on('SHUTDOWN', ({ guest, reason }) => {
      if (!guest) return
      this.#machineEnded = true
      this.#afterLastWords(() => {
        const failure = machineEnded(reason, console)
        if (!this.#wanted.take(failure)) this.fail(new GuestCrash(failure))
      })
    })
    void emulator.ended.then((ending) => {
      if (!this.#machineEnded) this.#afterLastWords(() => this.fail(emulatorGone(ending, domains, this.#dir)))
    })
  }

  #found({ failure, verdict }: Found): void {
    if (this.#wanted.take(failure) || this.#ignoring) return
    this.fail(failureError(failure, verdict, this.#dir))
  }

  /** A report that explains the end may still be on its way from the wires. */
  #afterLastWords(then: () => void): void {
    this.#ends.push(sleep(LAST_WORDS, undefined, { ref: false }).then(then))
  }
}

const failureError = (failure: Failure, verdict: Found['verdict'], dir: string): Error =>
  verdict === 'crash'
    ? new GuestCrash(failure)
    : new HostProblem(`${failure.domain}: ${failure.title}`, `See the consoles in ${dir}`)
