// SPDX-License-Identifier: Apache-2.0
/** Interrupts and DMA of a function written in TypeScript, under the kernel's stock driver `pci_endpoint_test`. */
import { join } from 'node:path'
import { HostProblem, type Images } from '../../images/index.ts'
import { bootBoard, type Domain } from '../platform/index.ts'
import { ring } from './ring.ts'
import { TimedEndpoint } from './timed-endpoint.ts'

/** Interrupts of one sample: a second or so. */
export const INTERRUPTS = 10_000
/** Interrupts on their way at once, all that MSI has: QEMU and the guest's processors then wait less for each other. */
const VOLLEY = 32
/** ms without an answer after which an interrupt is lost. */
const PATIENCE = 5000
/** Bytes of one transfer: what a driver gets in one piece. */
const BLOCK = 2 * 1024 * 1024

const DEVICE = 'pci-endpoint-test.0'
/** The function's transfers, and the driver's tests of them: what that calls READ, the function writes. */
const TESTS = { read: 'write', write: 'read', copy: 'copy' } as const
type Transfer = keyof typeof TESTS
const TRANSFERS = Object.keys(TESTS) as Transfer[]

/** The boards: each has one way for interrupts and one for DMA. */
const BOARDS = {
  /** Messages become LPIs of the ITS, DMA goes into shared RAM. */
  its: { msi: 'its', sharedMemory: true, passes: 50 },
  /** Messages become SPIs, DMA goes by messages. */
  gicv2m: { msi: 'gicv2m', sharedMemory: false, passes: 5 },
} as const
export type EndpointBoard = keyof typeof BOARDS

export interface EndpointTimes {
  /** Interrupts a second, in volleys: the next follows when the guest's handler has read a register because of each. By round, as all here. */
  answered: number[]
  /** The same with volleys of one. */
  oneByOne: number[]
  /** How many of the `INTERRUPTS` of both samples the guest did not count. */
  lost: number[]
  /** Interrupts a second that the function signals when it waits for nothing. */
  signalled: number[]
  /** How many of the `INTERRUPTS` that were so signalled the guest counted: one that comes while one is pending is the same. */
  counted: number[]
  /** MB/s (10⁶ bytes). */
  read: number[]
  write: number[]
  copy: number[]
}

interface EndpointOptions {
  images: Images
  dir: string
  rounds: number
}

export async function measureEndpoint(
  options: EndpointOptions,
): Promise<Record<EndpointBoard, EndpointTimes>> {
  return { its: await measureOn('its', options), gicv2m: await measureOn('gicv2m', options) }
}

async function measureOn(
  name: EndpointBoard,
  { images, dir, rounds }: EndpointOptions,
): Promise<EndpointTimes> {
  const { msi, sharedMemory, passes } = BOARDS[name]
  const endpoint = new TimedEndpoint({ at: '00:03.0', msi: VOLLEY, msix: 0, sharedMemory })
  endpoint.passes = passes
  const place = join(dir, `endpoint-${name}`)
  const board = await bootBoard('virt', { images, dir: place, devices: [endpoint], status: 'okay', msi })
  const times: EndpointTimes = {
    ...{ answered: [], oneByOne: [], lost: [], signalled: [], counted: [] },
    ...{ read: [], write: [], copy: [] },
  }
  try {
    // Round 0 warms up.
    for (let round = 0; round <= rounds; round++) {
      const sample = {
        ...(await interrupt(endpoint, board.domain())),
        ...(await transfer(endpoint, board.domain())),
      }
      if (round === 0) continue
      for (const key of Object.keys(times) as (keyof EndpointTimes)[]) times[key].push(sample[key])
    }
    board.failed.throwIfAborted()
  } finally {
    await board.stop()
  }
  return times
}

type Sample<Key extends keyof EndpointTimes> = Record<Key, number>

async function interrupt(
  endpoint: TimedEndpoint,
  guest: Domain,
): Promise<Sample<'answered' | 'oneByOne' | 'lost' | 'signalled' | 'counted'>> {
  const perSecond = (ms = Infinity) => (1000 * INTERRUPTS) / ms
  const rung = (volley: number) => ring(endpoint, { count: INTERRUPTS, volley, patience: PATIENCE })
  const before = await interruptsSeen(guest)
  const answered = perSecond(await rung(VOLLEY))
  const oneByOne = perSecond(await rung(1))
  const between = await interruptsSeen(guest)
  const lost = 2 * INTERRUPTS - (between - before)
  const startedAt = performance.now()
  for (let count = 0; count < INTERRUPTS; count++) endpoint.interrupt()
  const signalled = perSecond(performance.now() - startedAt)
  // The command that reads the count comes behind the last signal.
  const counted = (await interruptsSeen(guest)) - between
  return { answered, oneByOne, lost, signalled, counted }
}

/** What the guest's kernel has counted: the driver's lines in /proc/interrupts, a number for each processor behind the colon. */
async function interruptsSeen(guest: Domain): Promise<number> {
  const table = await guest.read('/proc/interrupts')
  const lines = table.split('\n').filter((line) => line.trimEnd().endsWith(` ${DEVICE}`))
  const counts = lines.flatMap(
    (line) => /:((?:\s+\d+)+)\s/.exec(line)?.[1]?.trim().split(/\s+/).map(Number) ?? [],
  )
  if (counts.length > 0) return counts.reduce((a, b) => a + b, 0)
  throw new HostProblem(
    `no interrupt of ${DEVICE} in the guest's /proc/interrupts:\n${table}`,
    'Does its kernel have CONFIG_PCI_ENDPOINT_TEST=y?',
  )
}

/** MB/s of each way, the data checked on both sides. */
async function transfer(endpoint: TimedEndpoint, guest: Domain): Promise<Sample<Transfer>> {
  const rates = { read: 0, write: 0, copy: 0 }
  for (const what of TRANSFERS) {
    await guest.run(`guestrig-pci endpoint-test 0 ${TESTS[what]} ${BLOCK}`, { timeout: 60_000 })
    const { bytes, ms } = endpoint.takeTimes()
    rates[what] = bytes / ms / 1000
  }
  return rates
}
