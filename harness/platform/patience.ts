// SPDX-License-Identifier: Apache-2.0
import { DeadlineExpired } from '../console/index.ts'

/**
 * Time limits that fit the machine they run on: given for a machine that boots a board in the reference time, and stretched by what
 * this board took. They are never shortened.
 */
export class Patience {
  #factor = 1

  get factor(): number {
    return this.#factor
  }

  /** The board took `measured` ms for what takes `reference` ms on an idle machine. */
  measure(measured: number, reference: number): void {
    this.#factor = Math.max(1, measured / reference)
  }

  /** `ms` stretched. */
  scale(ms: number): number {
    return Math.round(ms * this.#factor)
  }
}

/**
 * `work` with a deadline. `interruption` ends the wait as well: the board's failure, which explains it better than a deadline.
 *
 * @throws DeadlineExpired with what `explain` says, `ms` after the call; its stack is that of the call.
 */
export async function within<T>(
  ms: number,
  work: (signal: AbortSignal) => Promise<T>,
  options: { interruption: AbortSignal; explain: () => string },
): Promise<T> {
  const call = new Error()
  const deadline = new AbortController()
  const expire = () => {
    const expired = new DeadlineExpired(options.explain())
    const from = call.stack?.split('\n').slice(1) ?? []
    expired.stack = [`${expired.name}: ${expired.message}`, ...from].join('\n')
    deadline.abort(expired)
  }
  const timer = setTimeout(expire, ms)
  const signal = AbortSignal.any([deadline.signal, options.interruption])
  try {
    signal.throwIfAborted()
    const aborted = new Promise<never>((_, reject) =>
      signal.addEventListener('abort', () => reject(signal.reason)),
    )
    aborted.catch(() => {})
    return await Promise.race([work(signal), aborted])
  } finally {
    clearTimeout(timer)
  }
}
