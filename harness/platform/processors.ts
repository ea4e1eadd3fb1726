// SPDX-License-Identifier: Apache-2.0
/** What the emulated processors do, as the host sees it: they are threads of QEMU's. */
import { readdirSync, readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Emulator } from '../board/index.ts'

/** A machine is quiet when its processors have used less than this part of the time. */
const QUIET = 0.05

/** So many windows of so many ms, one after the other. */
export interface Windows {
  count: number
  ms: number
}

/** Host time that all processors of the machine have used together, ms (`/proc/PID/task/TID/schedstat`: Documentation/scheduler/sched-stats.rst). */
export async function processorTime(emulator: Emulator): Promise<number> {
  const processors = await emulator.qmp.execute<{ 'thread-id': number }[]>('query-cpus-fast')
  // They may all run in the same one.
  const threads = new Set(processors.map((processor) => processor['thread-id']))
  const used = await Promise.all(
    [...threads].map(async (thread) => {
      const file = `/proc/${emulator.pid}/task/${thread}/schedstat`
      return Number((await readFile(file, 'utf8')).split(' ')[0]) / 1e6
    }),
  )
  return used.reduce((sum, ms) => sum + ms, 0)
}

/** Resolves when no guest has had anything to do for some time, or `longest` ms later. */
export async function untilQuiet(emulator: Emulator, { count, ms }: Windows, longest: number): Promise<void> {
  const deadline = performance.now() + longest
  let before = await processorTime(emulator)
  for (let quiet = 0; quiet < count && performance.now() < deadline; ) {
    await sleep(ms)
    const now = await processorTime(emulator)
    quiet = now - before < QUIET * ms ? quiet + 1 : 0
    before = now
  }
}

/** Whether the whole machine falls asleep within `longest` ms: no guest has anything to do before the next interrupt, and nor has QEMU. */
export async function fallsAsleep({ pid }: Emulator, longest: number): Promise<boolean> {
  const deadline = performance.now() + longest
  do {
    const asleep = sleepers(pid)
    // Nobody was woken while the others were looked at: so there was a moment in which all slept.
    if (asleep !== undefined && asleep === sleepers(pid)) return true
    await sleep(1)
  } while (performance.now() < deadline)
  return false
}

/**
 * How often each thread of a process has run, if all of them sleep (proc(5): `/proc/PID/task/TID/stat`; and `schedstat` as above). A thread that
 * has been woken and waits for a processor does not.
 */
function sleepers(pid: number): string | undefined {
  let ran = ''
  try {
    // The processors' are the last, and the likeliest to run.
    for (const thread of readdirSync(`/proc/${pid}/task`).reverse()) {
      const file = `/proc/${pid}/task/${thread}`
      const stat = readFileSync(`${file}/stat`, 'latin1')
      if (stat[stat.lastIndexOf(')') + 2] !== 'S') return undefined
      ran += `${thread} ${readFileSync(`${file}/schedstat`, 'latin1')}`
    }
  } catch {
    // A thread, or QEMU, has ended meanwhile.
    return undefined
  }
  return ran
}
