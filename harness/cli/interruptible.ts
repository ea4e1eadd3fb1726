// SPDX-License-Identifier: Apache-2.0
import { constants } from 'node:os'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/**
 * Does `work`, whose signal aborts at Ctrl-C and the like: it is to end early then. `interrupted` gives the exit status of that (128 + signal), if
 * it came.
 */
export async function interruptible<T>(
  work: (signal: AbortSignal, interrupted: () => number | undefined) => Promise<T>,
): Promise<T> {
  const stop = new AbortController()
  let status: number | undefined
  const interrupt = (signal: NodeJS.Signals) => {
    status ??= 128 + constants.signals[signal]
    stop.abort()
  }
  for (const signal of SIGNALS) process.on(signal, interrupt)
  try {
    return await work(stop.signal, () => status)
  } finally {
    for (const signal of SIGNALS) process.off(signal, interrupt)
  }
}
