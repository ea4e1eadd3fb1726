// SPDX-License-Identifier: Apache-2.0
/** The register beside a device tree that names backends as well, and a driver that comes and goes. */
import { expect, RootComplex, scenario, VirtioFunction, XenHostBridge } from '../../harness/index.ts'
import { KEYS, ringsAreGranted } from './board-under-test.ts'

scenario(
  'a device tree that names another backend than the root complex is not overruled, and not obeyed',
  {
    platform: 'xen',
    drivers: ['xen-root-complex', KEYS],
    devices: () => {
      const [wrong, right] = [
        new VirtioFunction({ at: '00:01.0', backend: 1 }),
        new VirtioFunction({ at: '00:02.0', backend: 2 }),
      ]
      const hostBridge = new XenHostBridge({ answer: () => 2 })
      return { wrong, right, root: new RootComplex({ hostBridge, functions: [wrong, right] }) }
    },
  },
  async ({ board, devices: { wrong, right } }) => {
    const { console } = board.domain()
    await board.domain().sysrq('4')
    await expect(console).toPrintInOrder([
      /xen-root-complex: 0000:00:01\.0: backend domain 2, but the device tree says domain 1, not given to a driver$/,
      /xen-root-complex: 0000:00:02\.0: backend domain 2, as the device tree says$/,
    ])
    expect(await ringsAreGranted(board, right)).toBe(true)
    expect(wrong.isDriven).toBe(false)
    const override = await board.domain().read('/sys/bus/pci/devices/0000:00:01.0/driver_override')
    expect(override.trim()).toBe('xen-root-complex')
  },
)

scenario(
  'with the bridge goes what was added to its iommu-map',
  {
    platform: 'xen',
    drivers: ['xen-root-complex', KEYS],
    devices: () => {
      const hostBridge = new XenHostBridge({ answer: () => 2 })
      return { root: new RootComplex({ hostBridge, functions: [new VirtioFunction({ at: '00:01.0' })] }) }
    },
  },
  async ({ board }) => {
    const guest = board.domain()
    const map = '/proc/device-tree/passthrough/pcie@10000000/iommu-map'
    await guest.run(`test ! -e ${map}`)
    await guest.sysrq('4')
    await expect(guest.console).toPrint(/xen-root-complex: 0000:00:01\.0: backend domain 2$/)
    await guest.run(`test -e ${map}`)
    await guest.sysrq('5')
    await expect(guest.console).toPrint(/pseudo-hotplug: disable/)
    // The driver's worker does it, soon after the bridge has gone.
    const isGone = async () => (await guest.run(`test -e ${map}`, { mayFail: true })).status === 1
    await board.until('the bridge has no iommu-map', isGone)
  },
)

scenario(
  'the driver loads and unloads a hundred times, also while functions are held',
  {
    platform: ['virt', 'xen'],
    drivers: [KEYS],
    devices: () => {
      const hostBridge = new XenHostBridge({ answer: () => 'not-yet' })
      return { root: new RootComplex({ hostBridge, functions: [new VirtioFunction({ at: '00:01.0' })] }) }
    },
  },
  async ({ board }) => {
    const guest = board.domain()
    const reload = 'insmod /lib/modules/guestrig/xen-root-complex.ko && rmmod xen_root_complex || exit 1'
    const often = (times: number) => `i=0; while [ $i -lt ${times} ]; do ${reload}; i=$((i+1)); done`
    await guest.run(often(50), { timeout: 60_000 })
    await guest.loadDriver('xen-root-complex')
    await guest.sysrq('4')
    await expect(guest.console).toPrint(
      /xen-root-complex: 0000:00:01\.0: the backend is not ready, asking again/,
    )
    await guest.run('rmmod xen_root_complex')
    await expect(guest.console).toPrint(/xen-root-complex: unloaded, 1 functions are still held back/)
    await guest.run(often(50), { timeout: 60_000 })
  },
)
