// SPDX-License-Identifier: Apache-2.0
/** Keys 0 to 3: the two virtio-mmio devices come and go one by one. */
import { expect, scenario, virtioNet, virtioRng } from '../../harness/index.ts'
import { loadPseudoHotplug, namesIn, PLACES, statusOf } from './board-under-test.ts'

scenario(
  'keys 0 to 3 plug and unplug each virtio-mmio device by itself',
  {
    platform: ['xen', 'virt'],
    board: { devices: [virtioNet({ at: 'mmio.0' }), virtioRng({ at: 'mmio.1' })] },
  },
  async ({ board, platform }) => {
    const guest = board.domain()
    const { transports, transportDevices } = PLACES[platform]
    const bound = async () => {
      const names = await namesIn(board, '/sys/bus/platform/drivers/virtio-mmio')
      return transportDevices.filter((name) => names.includes(name))
    }
    const press = async (key: string, verb: 'enable' | 'disable', path: string) => {
      guest.console.mark()
      await guest.sysrq(key)
      await expect(guest.console).toPrint(new RegExp(`pseudo-hotplug: ${verb} ${path}$`))
    }
    await loadPseudoHotplug(board)
    expect(await bound()).toEqual([])

    await press('0', 'enable', transports[0])
    expect(await bound()).toEqual([transportDevices[0]])
    expect(await statusOf(board, transports[1])).toBe('disabled')

    await press('1', 'enable', transports[1])
    expect(await bound()).toEqual(transportDevices)
    expect(await namesIn(board, '/sys/bus/virtio/drivers/virtio_net')).toContainEqual(
      expect.stringMatching(/^virtio\d+$/),
    )
    expect(await namesIn(board, '/sys/bus/virtio/drivers/virtio_rng')).toContainEqual(
      expect.stringMatching(/^virtio\d+$/),
    )

    await press('2', 'disable', transports[0])
    expect(await bound()).toEqual([transportDevices[1]])

    await press('3', 'disable', transports[1])
    expect(await bound()).toEqual([])
  },
)
