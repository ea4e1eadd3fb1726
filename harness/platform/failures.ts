// SPDX-License-Identifier: Apache-2.0
import { HostProblem } from '../../images/index.ts'
import { describeEnding, type Emulator } from '../board/index.ts'
import { type Console, type Failure, type Found, GuestCrash, watchForFailure } from '../console/index.ts'
import type { Domain } from './domain.ts'
import { OpenReports } from './open-reports.ts'

/** How long a failure's report may still be on its way when QEMU has ended, ms. */
const LAST_WORDS = 400

/** What fails one board: a failure on one of its consoles that the scenario does not want, the machine's end, or whatever else calls `fail`. */
export class Failures {
  readonly #dir: string
  readonly #controller = new AbortController()
  readonly #reports: OpenReports[] = []
  /** Failures that the scenario waits for, or has seen come. */
  readonly #expected: { pattern: RegExp; came: (failure: Failure) => void }[] = []
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
    return new Promise((resolve) => this.#expected.push({ pattern, came: resolve }))
  }

  /** Resolves when no report is half-way. */
  async settled(): Promise<void> {
    await Promise.all(this.#reports.map((reports) => reports.none()))
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

  /** Watches for the machine's end; `tested` is the domain under test. */
  watchMachine(emulator: Emulator, domains: readonly Domain[], tested: Domain): void {
    emulator.qmp.on('SHUTDOWN', ({ guest, reason }) => {
      if (guest) this.#afterLastWords(() => machineEnded(tested.console, reason))
    })
    void emulator.ended.then((ending) =>
      this.#afterLastWords(
        () =>
          new HostProblem(
            `QEMU ${describeEnding(ending)}\n${domains.map((domain) => domain.lastLines(6)).join('\n')}`,
            `See the consoles and qmp.log in ${this.#dir}; reproduce.sh there runs the same machine without guestrig.`,
          ),
      ),
    )
  }

  #found({ failure, verdict }: Found): void {
    const expected = this.#expected.find(({ pattern }) => pattern.test(failure.title))
    if (expected) expected.came(failure)
    else if (!this.#ignoring) this.fail(failureError(failure, verdict, this.#dir))
  }

  /** A report that explains the end may still be on its way from the wires. */
  #afterLastWords(reason: () => Error): void {
    setTimeout(() => this.fail(reason()), LAST_WORDS).unref()
  }
}

const machineEnded = (console: Console, reason: string): GuestCrash =>
  new GuestCrash({
    kind: 'machine-ended',
    title: `the guest ended the machine: ${reason}`,
    domain: console.domain,
    complete: true,
    report: console.tail(6),
  })

const failureError = (failure: Failure, verdict: Found['verdict'], dir: string): Error =>
  verdict === 'crash'
    ? new GuestCrash(failure)
    : new HostProblem(`${failure.domain}: ${failure.title}`, `See the consoles in ${dir}`)
