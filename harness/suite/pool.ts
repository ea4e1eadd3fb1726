// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, fork } from 'node:child_process'
import { availableParallelism } from 'node:os'
import type { Ended, Job, Order, PlannedRun, Report } from './messages.ts'

/** A worker that has given no sign of life for so long is stuck, ms: it gives one every few seconds. */
const STUCK = 60_000

/** What the pool asks a worker to do, but for the run itself. */
export interface PoolOptions {
  /** The JavaScript of `worker.ts`. */
  worker: string
  /** The run's folder, which tells workers of one run from those of another in a list of processes. */
  dir: string
  /** How many runs at once. */
  workers: number
  retries: number
  /** Ends the workers, and their boards with them. */
  signal: AbortSignal
}

/** Worker processes that run scenarios: as many at once as there are workers. The first one starts with the pool, while others still plan. */
export class WorkerPool {
  readonly #options: PoolOptions
  #ready: Worker | undefined

  constructor(options: PoolOptions) {
    this.#options = options
    this.#ready = new Worker(options)
  }

  /**
   * Runs every job, in the order given: each worker takes the next job when it has done its own. `ended` is called as each comes to its
   * end. An abort leaves the rest undone. The workers have gone when it is over.
   */
  async run(
    jobs: readonly Omit<Job, 'retries' | 'crowded'>[],
    ended: (run: PlannedRun, report: Ended) => void,
  ): Promise<void> {
    const { workers, retries, signal } = this.#options
    const queue = [...jobs]
    let running = 0
    const work = async () => {
      let worker = this.#worker()
      for (let job = queue.shift(); job && !signal.aborted; job = queue.shift()) {
        if (!worker.usable) worker = this.#worker()
        running++
        const crowded = Math.min(workers, running + queue.length) >= availableParallelism()
        const report = await worker.run({ ...job, retries, crowded })
        running--
        if (!signal.aborted) ended(job.run, report)
      }
      await worker.end()
    }
    await Promise.all(Array.from({ length: Math.max(1, Math.min(workers, jobs.length)) }, work))
  }

  /** Ends a worker that never got anything to do. */
  close(): void {
    this.#ready?.kill()
  }

  #worker(): Worker {
    const worker = this.#ready ?? new Worker(this.#options)
    this.#ready = undefined
    return worker
  }
}

class Worker {
  readonly #process: ChildProcess
  readonly #gone: Promise<string>
  #alive = true

  constructor({ worker, dir, signal }: PoolOptions) {
    this.#process = fork(worker, [dir], {
      // What it says goes into reports as well as on terminals.
      env: { ...process.env, NO_COLOR: '1', FORCE_COLOR: undefined },
      signal,
      killSignal: 'SIGKILL',
    })
    this.#gone = new Promise((resolve) => {
      this.#process.once('exit', (code, killed) => {
        this.#alive = false
        resolve(killed ? `was killed by ${killed}` : `ended with status ${code}`)
      })
      // An abort; the end itself follows.
      this.#process.on('error', () => {})
    })
  }

  /** Whether it can take another job. */
  get usable(): boolean {
    return this.#alive
  }

  async run(job: Job): Promise<Ended> {
    const answered = new Promise<Ended>((resolve) => {
      let watchdog = this.#watch()
      const hear = (report: Report) => {
        clearTimeout(watchdog)
        if ('alive' in report) watchdog = this.#watch()
        else {
          this.#process.off('message', hear)
          resolve(report)
        }
      }
      this.#process.on('message', hear)
      void this.#gone.then((how) => {
        clearTimeout(watchdog)
        resolve({ failed: `the process that ran it ${how}` })
      })
    })
    this.#process.send(job satisfies Order, () => {})
    const report = await answered
    if ('leaving' in report) await this.#gone
    return report
  }

  /** It has no more to do, and goes. */
  async end(): Promise<void> {
    const watchdog = this.#watch()
    if (this.#process.connected) this.#process.send('go' satisfies Order, () => {})
    await this.#gone
    clearTimeout(watchdog)
  }

  kill(): void {
    this.#process.kill('SIGKILL')
  }

  #watch(): NodeJS.Timeout {
    return setTimeout(() => this.kill(), STUCK)
  }
}
