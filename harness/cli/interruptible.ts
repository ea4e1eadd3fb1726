// SPDX-License-Identifier: Apache-2.0
import { constants } from 'node:os'

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Does `work`, which ends early when its signal aborts: at Ctrl-C and the like. The exit status of that (128 + signal), if it came. */
export async function interruptible(
  work: (signal: AbortSignal) => Promise<void>,
): Promise<number | undefined> {
  const stop = new AbortController()
  let status: number | undefined
  const interrupt = (signal: NodeJS.Signals) => {
    status ??= 128 + constants.signals[signal]
    stop.abort()
  }
  for (const signal of SIGNALS) process.on(signal, interrupt)
  try {
    await work(stop.signal)
  } finally {
    for (const signal of SIGNALS) process.off(signal, interrupt)
  }
  return status
}
