// SPDX-License-Identifier: Apache-2.0
/** Nothing moves any more: is it the guest that hangs, or the emulator that is stuck? */
import { setTimeout as sleep } from 'node:timers/promises'
import { HostProblem } from '../../images/index.ts'
import type { Emulator } from '../board/index.ts'
import { GuestHang, indent } from '../console/index.ts'
import { processorTime } from './processors.ts'

/** ms in which QEMU answers on its control channel, however busy its guests are. */
const ANSWER = 3000
/** ms between two looks at what the processors' threads have used. */
const LOOK = 300
/** Arm Architecture Reference Manual, C6.2: the instruction WFE. */
const WFE = 'd503205f'

/** A processor of the emulated machine, as its monitor tells of it. */
interface Processor {
  index: number
  /** Where it is, hexadecimal. */
  pc: string
  /** Its lines of `info registers` that say so. */
  lines: string[]
}

/**
 * What it means that `domain` does not go on: a `GuestHang`, or a `HostProblem` if it is the emulator that is stuck; both show where the
 * processors are.
 *
 * QEMU is stuck when it does not answer; and when no processor runs while one sleeps in a WFE: QEMU 11.1 misses the event that ends it,
 * and Xen's spinlocks wait that way, so two processors can sleep for ever (which is why set-up replaces Xen's WFEs).
 */
export async function hangOf(emulator: Emulator, domain: string, message: string): Promise<Error> {
  const registers = await monitor(emulator, 'info registers -a')
  if (registers === undefined)
    return stuck(`QEMU has not answered on its control channel for ${ANSWER / 1000} s`, message)
  const processors = processorsIn(registers)
  const shown = processors.flatMap(({ lines }) => lines)
  const whole = shown.length ? [message, 'the processors:', indent(shown)].join('\n') : message
  const asleep = (await areIdle(emulator)) ? await inWfe(emulator, processors) : []
  if (asleep.length === 0) return new GuestHang(domain, whole)
  return stuck(`no processor runs, and CPU#${asleep.join(', CPU#')} sleeps in WFE`, whole)
}

const stuck = (why: string, message: string): HostProblem =>
  new HostProblem(
    `the emulator is stuck: ${why}\n${message}`,
    'Repeat it: the guest is not to blame. If it comes again, is this the QEMU of guestrig setup, and the Xen? (guestrig doctor)',
  )

/** What the human monitor prints; undefined if QEMU does not answer. */
async function monitor(emulator: Emulator, command: string): Promise<string | undefined> {
  const late = new AbortController()
  const answer = emulator.qmp.monitor(command).catch(() => '')
  const none = sleep(ANSWER, undefined, { signal: late.signal }).catch(() => undefined)
  try {
    return await Promise.race([answer, none])
  } finally {
    late.abort()
  }
}

function processorsIn(registers: string): Processor[] {
  return registers.split(/^(?=CPU#\d+)/m).flatMap((block) => {
    const [, index, pc] = /^CPU#(\d+)[\s\S]*?\bPC=([0-9a-f]+)/.exec(block) ?? []
    if (index === undefined || pc === undefined) return []
    const lines = block.split(/\r?\n/).filter((line) => /^(CPU#|\s*PC=|PSTATE)/.test(line))
    return [{ index: Number(index), pc, lines: lines.map((line) => line.trim()) }]
  })
}

/** Whether the machine is to run, and no processor's thread uses any time. */
async function areIdle(emulator: Emulator): Promise<boolean> {
  try {
    // Where a machine was when it was paused says nothing: processors of a guest pass through many a WFE.
    const { running } = await emulator.qmp.execute<{ running: boolean }>('query-status')
    if (!running) return false
    const before = await processorTime(emulator)
    await sleep(LOOK)
    return (await processorTime(emulator)) - before < 1
  } catch {
    // QEMU has gone meanwhile.
    return false
  }
}

/** Processors whose last instruction was a WFE: a sleeping one has gone past it. */
async function inWfe(emulator: Emulator, processors: Processor[]): Promise<number[]> {
  const found: number[] = []
  for (const { index, pc } of processors) {
    await monitor(emulator, `cpu ${index}`)
    const code = await monitor(emulator, `x /2wx 0x${(BigInt(`0x${pc}`) - 4n).toString(16)}`)
    if (code?.includes(`0x${WFE}`)) found.push(index)
  }
  return found
}
