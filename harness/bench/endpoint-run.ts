// SPDX-License-Identifier: Apache-2.0
/** Interrupts and DMA of a function written in TypeScript, under the kernel's stock driver `pci_endpoint_test`. */
import { join } from 'node:path'
import { HostProblem, type Images } from '../../images/index.ts'
import { bootBoard, type Domain } from '../platform/index.ts'
import { EndpointTest, type Transfer } from './endpoint-test.ts'

/** Interrupts of one sample: a second or so. */
export const INTERRUPTS = 10_000
/** Interrupts on their way at once: QEMU and the guest's processors then wait less for each other. */
const VOLLEY = 32
/** ms without an answer after which an interrupt is lost. */
const PATIENCE = 5000
/** Bytes of one transfer: what a driver gets in one piece. */
const BLOCK = 2 * 1024 * 1024
/** How often the block is transferred in one sample. */
const PASSES = { shared: 50, messages: 5 } as const

const DEVICE = 'pci-endpoint-test.0'
/** As the driver names them: what it calls READ, the function writes. */
const TESTS = { read: 'write', write: 'read', copy: 'copy' } as const satisfies Record<
  Transfer['what'],
  string
>

export interface EndpointTimes {
  /** Interrupts a second, in volleys: the next follows when the guest's handler has read a register because of each. By round. */
  answered: number[]
  /** The same with volleys of one. */
  oneByOne: number[]
  /** How many of the `INTERRUPTS` of either sample the guest did not count. */
  lost: number[]
  /** Interrupts a second that the function signals when it waits for nothing. */
  signalled: number[]
  /** How many of the `INTERRUPTS` that were so signalled the guest counted: one that comes while one is pending is the same. */
  counted: number[]
  /** MB/s (10⁶ bytes), by round. */
  dma: Record<keyof typeof PASSES, Record<Transfer['what'], number[]>>
}

interface EndpointOptions {
  images: Images
  dir: string
  rounds: number
}

export async function measureEndpoint(options: EndpointOptions): Promise<EndpointTimes> {
  const times: EndpointTimes = {
    ...{ answered: [], oneByOne: [], lost: [], signalled: [], counted: [] },
    dma: { shared: { read: [], write: [], copy: [] }, messages: { read: [], write: [], copy: [] } },
  }
  await onBoard(options, 'shared', async (endpoint, guest) => {
    // Round 0 warms up.
    for (let round = 0; round <= options.rounds; round++) {
      const sample = await interrupt(endpoint, guest)
      const rates = await transfer(endpoint, guest, PASSES.shared)
      if (round === 0) continue
      for (const name of SAMPLES) times[name].push(sample[name])
      for (const { what, rate } of rates) times.dma.shared[what].push(rate)
    }
  })
  await onBoard(options, 'messages', async (endpoint, guest) => {
    for (let round = 0; round <= options.rounds; round++) {
      const rates = await transfer(endpoint, guest, PASSES.messages)
      if (round > 0) for (const { what, rate } of rates) times.dma.messages[what].push(rate)
    }
  })
  return times
}

async function onBoard(
  { images, dir }: EndpointOptions,
  way: keyof typeof PASSES,
  measure: (endpoint: EndpointTest, guest: Domain) => Promise<void>,
): Promise<void> {
  const endpoint = new EndpointTest({ at: '00:03.0', sharedMemory: way === 'shared' })
  const place = join(dir, `endpoint-${way}`)
  const board = await bootBoard('virt', { images, dir: place, devices: [endpoint.fn], status: 'okay' })
  try {
    await measure(endpoint, board.domain())
    board.failed.throwIfAborted()
  } finally {
    await board.stop()
  }
}

const SAMPLES = ['answered', 'oneByOne', 'lost', 'signalled', 'counted'] as const
type InterruptSample = Record<(typeof SAMPLES)[number], number>

async function interrupt(endpoint: EndpointTest, guest: Domain): Promise<InterruptSample> {
  const perSecond = (ms = Infinity) => (1000 * INTERRUPTS) / ms
  const ring = (volley: number) => endpoint.ring({ count: INTERRUPTS, volley, patience: PATIENCE })
  const before = await interruptsSeen(guest)
  const answered = perSecond(await ring(VOLLEY))
  const oneByOne = perSecond(await ring(1))
  const between = await interruptsSeen(guest)
  const lost = 2 * INTERRUPTS - (between - before)
  const startedAt = performance.now()
  for (let count = 0; count < INTERRUPTS; count++) endpoint.fn.interrupt()
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

/** Each way once, the data checked on both sides. MB/s. */
async function transfer(
  endpoint: EndpointTest,
  guest: Domain,
  passes: number,
): Promise<{ what: Transfer['what']; rate: number }[]> {
  endpoint.passes = passes
  endpoint.transfers.length = 0
  for (const test of Object.values(TESTS)) {
    await guest.run(`guestrig-pci endpoint-test 0 ${test} ${BLOCK}`, { timeout: 60_000 })
  }
  return endpoint.transfers.map(({ what, bytes, ms }) => ({ what, rate: bytes / ms / 1000 }))
}
