// SPDX-License-Identifier: Apache-2.0
/**
 * Xen boards, one after the other, booted and restored, with 1 and 2 GiB, 1 and 2 processors: each answers in every domain, its time moves, and no
 * line of its consoles is lost. `npm run test:boards` does it 500 times each way, and 200 times with functions drawn by lot.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { expect as expectGuest, PciFunction, registerBar, virtioNet, virtioRng } from '../../harness/index.ts'
import {
  type Board,
  type BoardDevice,
  type BoardOptions,
  bootBoard,
  type Domain,
  obtainBoard,
} from '../../harness/platform/index.ts'
import { type Images, locateImages } from '../../images/index.ts'

const TIMES = Number(process.env.GUESTRIG_BOARDS ?? 8)
const WITH_FUNCTIONS = Math.ceil(TIMES * 0.4)
/** Boards at the same time. */
const LANES = 2
/** After so many boards the next run their processors in one thread, or again in several (`crowded`). */
const BEFORE_CHANGE = 4
const LINES = 100
const SHAPES = [1024, 2048].flatMap((memory) => [1, 2].map((cpus) => ({ memory, cpus })))
/** The host bridge's node, where pseudo-hotplug looks for it. */
const KEYS = { keys: '4+/pcie@10000000', prefix: '/passthrough' }

let root: string
let images: Images

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'guestrig-boards-'))
  images = await locateImages()
})

afterAll(() => rm(root, { recursive: true }))

/** Does `work` for each number below `count`, some at the same time; all are done, and what failed is told with its number. */
async function each(count: number, work: (number: number) => Promise<void>): Promise<void> {
  const failures: string[] = []
  let next = 0
  const lane = async () => {
    for (let number = next++; number < count; number = next++) {
      await work(number).catch((error: unknown) => failures.push(`board ${number}: ${error}`))
    }
  }
  await Promise.all(Array.from({ length: LANES }, lane))
  expect(failures).toEqual([])
}

async function withBoard(
  bringUp: typeof bootBoard,
  number: number,
  more: BoardOptions,
  work: (board: Board) => Promise<void>,
): Promise<void> {
  const dir = await mkdtemp(join(root, 'board-'))
  const shape = SHAPES[number % SHAPES.length]
  const crowded = Math.floor(number / BEFORE_CHANGE) % 2 === 1
  const board = await bringUp('xen', { ...shape, ...more, images, dir, crowded })
  try {
    await work(board)
    await board.settle()
    board.failed.throwIfAborted()
  } finally {
    await board.stop()
  }
  await rm(dir, { recursive: true })
}

const uptime = async (domain: Domain) => Number((await domain.read('/proc/uptime')).split(' ')[0])

/** All domains at once: so they come between each other's lines. */
async function isWhole(board: Board): Promise<void> {
  await Promise.all(
    board.domains.map(async (domain) => {
      const before = await uptime(domain)
      // Longer than its timer ticks: it has to wait for an interrupt, and Xen to wake it.
      expect(await domain.wakesAfter(10), domain.name).toBe(true)
      await domain.run(
        `i=0; while [ $i -lt ${LINES} ]; do echo "line $i of ${LINES}" >/dev/console; i=$((i+1)); done`,
      )
      await expectGuest(domain.console).toPrint(new RegExp(`^line ${LINES - 1} of`), { timeout: 10_000 })
      const printed = domain.console.texts(0).filter((text) => /line \d+ of/.test(text))
      expect(printed).toEqual(Array.from({ length: LINES }, (_, index) => `line ${index} of ${LINES}`))
      expect(await uptime(domain)).toBeGreaterThanOrEqual(before)
    }),
  )
}

/** A sequence of numbers below 2^32 that is the same each time (George Marsaglia, "Xorshift RNGs", 2003). */
function lots(seed: number): (below: number) => number {
  let state = seed * 2654435761 || 1
  return (below) => {
    state ^= state << 13
    state ^= state >>> 17
    state ^= state << 5
    return (state >>> 0) % below
  }
}

/** One to eight functions at places of their own. */
function drawn(number: number): BoardDevice[] {
  const draw = lots(number + 1)
  const slots = new Set(Array.from({ length: 1 + draw(8) }, () => 2 + draw(28)))
  return [...slots].map((slot) => {
    const at = `00:${slot.toString(16).padStart(2, '0')}.0` as const
    const backend = draw(2) ? 0 : undefined
    const common = backend === undefined ? { at } : { at, backend }
    // No disk: its probe waits for DMA, and QEMU knows nothing of where a domU's memory is.
    switch (draw(3)) {
      case 0:
        return virtioNet(common)
      case 1:
        return virtioRng(common)
      default:
        return new PciFunction({
          ...{ at, vendor: 0x1b36, device: 0x0005, class: 0x00ff00, sharedMemory: draw(2) === 1 },
          bars: { 0: registerBar({ size: 4096 << draw(4) }) },
        })
    }
  })
}

const LIMIT = 60_000 + TIMES * 20_000

test(`${TIMES} cold boots`, { timeout: LIMIT }, () =>
  each(TIMES, (number) => withBoard(bootBoard, number, {}, isWhole)),
)

test(`${TIMES} restores`, { timeout: LIMIT }, () =>
  each(TIMES, (number) =>
    withBoard(obtainBoard, number, {}, async (board) => {
      expect(board.restored).toBe(true)
      await isWhole(board)
    }),
  ),
)

test(`${WITH_FUNCTIONS} restores with functions drawn by lot`, { timeout: LIMIT }, () =>
  each(WITH_FUNCTIONS, (number) => {
    const devices = drawn(number)
    return withBoard(obtainBoard, number, { devices }, async (board) => {
      expect(board.restored).toBe(true)
      const guest = board.domain()
      await guest.loadDriver('pseudo-hotplug', KEYS)
      await guest.sysrq('4')
      await expectGuest(guest.console).toPrint(/pseudo-hotplug: enable/, { timeout: 10_000 })
      const found = (await guest.run('ls /sys/bus/pci/devices')).stdout.split(/\s+/).filter(Boolean)
      const placed = devices.map((device) => `0000:${(device as { at: string }).at}`)
      expect(found.filter((name) => name !== '0000:00:00.0').sort()).toEqual(placed.sort())
      await isWhole(board)
    })
  }),
)
