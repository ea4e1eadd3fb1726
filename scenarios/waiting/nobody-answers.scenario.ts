// SPDX-License-Identifier: Apache-2.0
/** The case that started it: a guest looks at an ECAM before anybody is there to answer. */
import { ecam, expect, RootComplex, scenario } from '../../harness/index.ts'
import { enableBridge, KEYS, rescan, timeUntilDriven, virtio } from './board-under-test.ts'

scenario(
  'an ECAM nobody answers, under Xen: the guest that looks at it dies, and no other domain',
  {
    platform: 'xen',
    drivers: [KEYS],
    devices: () => ({ root: new RootComplex({ answered: false }) }),
  },
  async ({ board }) => {
    board.ignoreFailures()
    await enableBridge(board)
    await expect(board.domain().console).toPrintInOrder([
      /pci-host-generic 10000000\.pcie: ECAM at \[mem 0x10000000-0x1fffffff\]/,
      // Xen 4.20 does not say "external abort" in the abort that it injects: its fault status is zero.
      /Unable to handle kernel ttbr address size fault at virtual address/,
      /pc : pci_generic_config_read/,
      /end trace/,
    ])
    expect(await board.domain('dom0').isAlive()).toBe(true)
  },
)

scenario(
  'an ECAM nobody answers, on a bare machine: an external abort',
  {
    platform: 'virt',
    drivers: [{ name: 'pseudo-hotplug', parameters: { keys: '4+/pcie@b000000' } }],
    // Outside the window of the machine's own bridge, where nothing decodes: inside it, QEMU answers with all ones.
    devices: () => ({
      root: new RootComplex({ answered: false, base: 0x0b00_0000, config: ecam({ buses: 16 }) }),
    }),
  },
  async ({ board }) => {
    board.ignoreFailures()
    await enableBridge(board)
    await expect(board.domain().console).toPrintInOrder([
      /pci-host-generic b000000\.pcie: ECAM at \[mem 0x0b000000-0x0bffffff\]/,
      /Internal error: synchronous external abort/,
      /pc : pci_generic_config_read/,
      /end trace/,
    ])
  },
)

scenario(
  'an ECAM with all ones in the background: the guest finds an empty bus, and the function later',
  {
    platform: ['xen', 'virt'],
    drivers: [KEYS],
    devices: () => ({ root: new RootComplex({ hostBridge: false }) }),
  },
  async ({ board, devices: { root } }) => {
    const { console } = board.domain()
    await enableBridge(board)
    await expect(console).toPrintInOrder([/PCI host bridge to bus 0000:00/, /pseudo-hotplug: enable/])
    await expect(console).toStayQuietAbout(/pci 0000:00:/)

    const fn = virtio('00:01.0')
    root.add(fn)
    await timeUntilDriven(fn, () => rescan(board))
    await expect(console).toPrint(/pci 0000:00:01\.0: \[1af4:1044\]/)
  },
)
