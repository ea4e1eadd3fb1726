// SPDX-License-Identifier: Apache-2.0
import { closeSync, openSync, writeSync } from 'node:fs'

/** Who holds it open with a latency of 0 µs in it gets processors that poll instead of sleeping (`Documentation/power/pm_qos_interface.rst`). */
const LATENCY = '/dev/cpu_dma_latency'

/**
 * Does `work` on processors that do not sleep. One access wakes three threads in turn, and on a virtual machine that is idle each wake costs more
 * than the work: an idle machine would be slower than a busy one. Without the right to that, measured as it is.
 */
export async function whileAwake<T>(work: () => Promise<T>): Promise<T> {
  let fd: number | undefined
  try {
    fd = openSync(LATENCY, 'w')
    writeSync(fd, Buffer.alloc(4))
  } catch {
    // Only root may, and not every machine has it.
  }
  try {
    return await work()
  } finally {
    if (fd !== undefined) closeSync(fd)
  }
}
