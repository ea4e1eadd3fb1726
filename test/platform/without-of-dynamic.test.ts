// SPDX-License-Identifier: Apache-2.0
/** pseudo-hotplug in a kernel without OF_DYNAMIC, as Debian's arm64 kernels are, makes and removes the devices itself. */
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { expect as expectGuest } from '../../harness/index.ts'
import { bootBoard, type PlatformName, virtioNet } from '../../harness/platform/index.ts'
import { type Images, locateImages } from '../../images/index.ts'

let root: string
let images: Images

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'guestrig-static-'))
  images = await locateImages({ kernel: '6.12+no-of-dynamic' })
})

afterAll(() => rm(root, { recursive: true }))

const BRIDGE: Record<PlatformName, string> = { virt: '/pcie@10000000', xen: '/passthrough/pcie@10000000' }

test.each(['virt', 'xen'] as const)('the bridge comes, goes and comes back on %s', async (platform) => {
  const board = await bootBoard(platform, {
    images,
    dir: join(root, platform),
    devices: [virtioNet({ at: '00:01.0' })],
  })
  try {
    const guest = board.domain()
    const functions = async () =>
      (await guest.run('ls /sys/bus/pci/devices')).stdout.split('\n').filter(Boolean)
    const press = async (key: string, said: RegExp) => {
      guest.console.mark()
      await guest.sysrq(key)
      await expectGuest(guest.console).toPrint(said)
    }
    const enabled = new RegExp(`pseudo-hotplug: enable ${BRIDGE[platform]}$`)
    await guest.loadDriver('pseudo-hotplug')

    await press('4', enabled)
    expect(await functions()).toEqual(['0000:00:00.0', '0000:00:01.0'])
    await press('5', new RegExp(`pseudo-hotplug: disable ${BRIDGE[platform]}$`))
    expect(await functions()).toEqual([])
    await press('4', enabled)
    expect(await functions()).toEqual(['0000:00:00.0', '0000:00:01.0'])
  } finally {
    await board.stop()
  }
})
