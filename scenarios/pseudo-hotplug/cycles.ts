// SPDX-License-Identifier: Apache-2.0
/** Hot-plug and hot-unplug, over and over: nothing may be left behind. A file for each platform, so that two workers share them. */
import { type Board, expect, type PlatformName, scenario } from '../../harness/index.ts'
import { functions, loadPseudoHotplug, namesIn, PLACES } from './board-under-test.ts'

const CYCLES = 25
/** Cycles before the first measurement: slab caches fill, and per-CPU lists settle. */
const WARM_UP = 10
/**
 * What may be missing after the 25 cycles, KiB. On a restored guest slab grows by up to 250 KiB in the first ten cycles, while caches fill,
 * by up to 100 KiB in the next twenty, and not at all in the hundred after these. Free memory wavers by up to 750 KiB, since the lists of
 * free pages that each processor keeps for itself do not count. A leak of two slab pages a cycle, or of a device with its buffers
 * (64 KiB), is above the bounds.
 */
const BOUND = { free: 1536, slab: 200 }

async function memory(board: Board): Promise<{ free: number; slab: number }> {
  await board.domain().run('sync; echo 3 >/proc/sys/vm/drop_caches')
  const text = await board.domain().read('/proc/meminfo')
  const kib = (name: string) => Number(new RegExp(`^${name}: +(\\d+) kB`, 'm').exec(text)?.[1])
  return { free: kib('MemFree'), slab: kib('Slab') }
}

/** Declares the scenario for one platform. */
export function cycles(platform: PlatformName): void {
  scenario(
    `${CYCLES} cycles leave no device, no warning and no memory behind`,
    { platform, board: { devices: functions() } },
    async ({ board }) => {
      const guest = board.domain()
      const { bridge, ecam } = PLACES[platform]
      await loadPseudoHotplug(board)
      const platformDevices = await namesIn(board, '/sys/bus/platform/devices')
      const cycle = async () => {
        guest.console.mark()
        await guest.sysrq('4')
        await expect(guest.console).toPrint(new RegExp(`pseudo-hotplug: enable ${bridge}`))
        await guest.sysrq('5')
        await expect(guest.console).toPrint(new RegExp(`pseudo-hotplug: disable ${bridge}`))
      }

      for (let i = 0; i < WARM_UP; i++) await cycle()
      const before = await memory(board)
      for (let i = 0; i < CYCLES; i++) await cycle()
      const after = await memory(board)

      expect(before.free - after.free).toBeLessThanOrEqual(BOUND.free)
      expect(after.slab - before.slab).toBeLessThanOrEqual(BOUND.slab)
      expect(await namesIn(board, '/sys/bus/pci/devices')).toEqual([])
      expect(await namesIn(board, '/sys/bus/platform/devices')).toEqual(platformDevices)
      expect(platformDevices).not.toContain(ecam)
      guest.console.seek(0)
      await expect(guest.console).toStayQuietAbout(/WARNING|BUG|leak|refcount|already exists|duplicate/i)
    },
  )
}
