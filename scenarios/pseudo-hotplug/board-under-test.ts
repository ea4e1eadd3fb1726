// SPDX-License-Identifier: Apache-2.0
/** What the scenarios of this folder share: where things are on each platform, and the functions behind the bridge. */
import { type Board, type Device, type PlatformName, virtioNet, virtioRng } from '../../harness/index.ts'

/** Two functions whose probe waits for no DMA: QEMU's own cannot serve the granted rings of a domU. */
export const functions = (): Device[] => [virtioNet({ at: '00:01.0' }), virtioRng({ at: '00:02.0' })]

interface Places {
  /** Path of the bridge's node. */
  bridge: string
  /** Name of its platform device: the address of the ECAM. */
  ecam: string
  /** Paths of two virtio-mmio nodes. */
  transports: [string, string]
  /** Names of their platform devices. */
  transportDevices: [string, string]
  /** The parameters of pseudo-hotplug; the thread's own table needs none. */
  parameters: Record<string, string>
}

export const PLACES: Record<PlatformName, Places> = {
  xen: {
    bridge: '/passthrough/pcie@10000000',
    ecam: '10000000.pcie',
    transports: ['/passthrough/virtio@2000000', '/passthrough/virtio@2000200'],
    transportDevices: ['2000000.virtio', '2000200.virtio'],
    parameters: {},
  },
  virt: {
    bridge: '/pcie@10000000',
    ecam: '4010000000.pcie',
    transports: ['/virtio_mmio@a000000', '/virtio_mmio@a000200'],
    transportDevices: ['a000000.virtio_mmio', 'a000200.virtio_mmio'],
    parameters: {
      keys: [
        '0+/virtio_mmio@a000000',
        '1+/virtio_mmio@a000200',
        '2-/virtio_mmio@a000000',
        '3-/virtio_mmio@a000200',
        '4+/pcie@10000000',
        '5-/pcie@10000000',
      ].join(','),
    },
  },
}

/** Loads pseudo-hotplug with the table that fits the board. */
export async function loadPseudoHotplug(board: Board): Promise<void> {
  await board.domain().loadDriver('pseudo-hotplug', PLACES[board.platform].parameters)
}

/** What stands in a folder of sysfs. */
export async function namesIn(board: Board, folder: string): Promise<string[]> {
  return (await board.domain().run(['ls', folder])).stdout.split('\n').filter(Boolean)
}

/** `status` of a node in the guest's live tree. */
export async function statusOf(board: Board, path: string): Promise<string> {
  return (await board.domain().read(`/proc/device-tree${path}/status`)).replace(/\0$/, '')
}
