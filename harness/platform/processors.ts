// SPDX-License-Identifier: Apache-2.0
/** What the emulated processors do, as the host sees it: they are threads of QEMU's. */
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
