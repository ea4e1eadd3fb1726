// SPDX-License-Identifier: Apache-2.0
/** A root complex that is asked who serves a function. Its register stands on the emulator's own bridge, beside functions that the emulator models. */
import { type Board, expect, scenario, virtioNet, virtioRng } from '../../harness/index.ts'
import { BackendRegister } from './backend-register.ts'

const HOTPLUG = { name: 'pseudo-hotplug', parameters: { keys: '4+/pcie@10000000,5-/pcie@10000000' } }
const DRIVERS = [HOTPLUG, 'xen-root-complex']
/** The device tree does not name their backends. */
const functions = () => [
  virtioNet({ at: '00:01.0', backend: 'unnamed' }),
  virtioRng({ at: '00:02.0', backend: 'unnamed' }),
]

/** What of_map_id() says, at the level of debugging, when grant-dma-ops.c finds a function's entry. */
const traceMap = (board: Board) => board.domain().run('echo "func of_map_id +p" >/proc/dynamic_debug/control')

scenario(
  'two functions get the backends that the root complex names, and nothing of it stands in the device tree',
  {
    platform: 'xen',
    drivers: DRIVERS,
    board: { devices: functions() },
    devices: () => ({ register: new BackendRegister({ '00:01.0': 2, '00:02.0': 0 }).fn }),
  },
  async ({ board }) => {
    const guest = board.domain()
    await traceMap(board)
    const map = '/proc/device-tree/passthrough/pcie@10000000/iommu-map'
    await guest.run(`test ! -e ${map}`)
    await guest.sysrq('4')
    await expect(guest.console).toPrintInOrder([
      /xen-root-complex: pci 0000:00:1f\.0 answers for \/passthrough\/pcie@10000000/,
      /xen-root-complex: 0000:00:01\.0: backend domain 2/,
    ])
    await expect(guest.console).toPrint(/xen-root-complex: 0000:00:02\.0: backend domain 0/)
    guest.console.seek(0)
    await expect(guest.console).toPrint(/virtio-pci 0000:00:01\.0: enabling device/)
    await expect(guest.console).toPrint(/virtio-pci 0000:00:02\.0: enabling device/)
    const { stdout } = await guest.run('dmesg')
    expect(stdout).toMatch(/iommu-map, .* id: 00000008 -> 00000002/)
    expect(stdout).toMatch(/iommu-map, .* id: 00000010 -> 00000000/)

    guest.console.mark()
    await guest.sysrq('5')
    await expect(guest.console).toPrint(/pseudo-hotplug: disable/)
    // The driver's own thread does that, soon after the bridge has gone.
    await guest.run(`while [ -e ${map} ]; do sleep 0.05; done`)
  },
)

scenario(
  'a device tree that names another backend than the root complex is not overruled, and not obeyed',
  {
    platform: 'xen',
    drivers: DRIVERS,
    board: { devices: [virtioNet({ at: '00:01.0', backend: 1 }), virtioRng({ at: '00:02.0', backend: 2 })] },
    devices: () => ({ register: new BackendRegister({ '00:01.0': 2, '00:02.0': 2 }).fn }),
  },
  async ({ board }) => {
    const guest = board.domain()
    await guest.sysrq('4')
    await expect(guest.console).toPrintInOrder([
      /xen-root-complex: 0000:00:01\.0: backend domain 2, but the device tree says domain 1, not given to a driver/,
      /xen-root-complex: 0000:00:02\.0: backend domain 2, as the device tree says/,
      /virtio-pci 0000:00:02\.0: enabling device/,
    ])
    await expect(guest.console).toStayQuietAbout(/virtio-pci 0000:00:01\.0/)
  },
)

scenario(
  'a function that the root complex does not know is given to no driver, one without a backend is',
  {
    platform: ['virt', 'xen'],
    drivers: DRIVERS,
    board: { devices: functions() },
    devices: () => ({ register: new BackendRegister({ '00:02.0': 'none' }).fn }),
  },
  async ({ board }) => {
    const guest = board.domain()
    await guest.sysrq('4')
    await expect(guest.console).toPrintInOrder([
      /xen-root-complex: 0000:00:01\.0: unknown to the root complex, not given to a driver/,
      /xen-root-complex: 0000:00:02\.0: no backend, no grants/,
      /virtio-pci 0000:00:02\.0: enabling device/,
    ])
    await expect(guest.console).toStayQuietAbout(/virtio-pci 0000:00:01\.0/)
    const held = await guest.read('/sys/bus/pci/devices/0000:00:01.0/driver_override')
    expect(held.trim()).toBe('xen-root-complex')
  },
)

const waiting = new BackendRegister({ '00:01.0': 'not yet', '00:02.0': 'silent' })

scenario(
  'a backend that is not ready is asked for again, and silence is not waited for longer than a second',
  {
    platform: 'virt',
    drivers: DRIVERS,
    board: { devices: functions() },
    devices: () => ({ register: waiting.fn }),
  },
  async ({ board }) => {
    const guest = board.domain()
    await guest.sysrq('4')
    await expect(guest.console).toPrintInOrder([
      /xen-root-complex: 0000:00:01\.0: the backend is not ready, asking again/,
      /xen-root-complex: 0000:00:02\.0: no answer within 1000 ms \(0x80000010\), not given to a driver/,
    ])
    waiting.answers['00:01.0'] = 'none'
    await expect(guest.console).toPrintInOrder([
      /xen-root-complex: 0000:00:01\.0: no backend, no grants/,
      /virtio-pci 0000:00:01\.0: enabling device/,
    ])
  },
)

scenario(
  'a bridge without the register is left alone, and the driver loads and unloads a hundred times beside it',
  { platform: 'virt', drivers: [HOTPLUG], board: { devices: functions() } },
  async ({ board }) => {
    const guest = board.domain()
    await guest.sysrq('4')
    await expect(guest.console).toPrint(/pseudo-hotplug: enable/)
    await guest.run(
      'i=0; while [ $i -lt 100 ]; do insmod /lib/modules/guestrig/xen-root-complex.ko && rmmod xen_root_complex || exit 1; i=$((i+1)); done',
      { timeout: 30_000 },
    )
    await guest.loadDriver('xen-root-complex')
    guest.console.mark()
    await guest.sysrq('5')
    await expect(guest.console).toPrint(/pseudo-hotplug: disable/)
    await guest.sysrq('4')
    await expect(guest.console).toPrint(/pseudo-hotplug: enable/)
    guest.console.seek(0)
    await expect(guest.console).toStayQuietAbout(/xen-root-complex: (pci )?0000:/)
  },
)

const leaving = new BackendRegister({ '00:01.0': 'none' })

scenario(
  'behind a root complex whose register is gone, a new function is given to no driver',
  {
    platform: 'virt',
    drivers: DRIVERS,
    board: { devices: functions() },
    devices: () => ({ register: leaving.fn }),
  },
  async ({ board }) => {
    const guest = board.domain()
    await guest.sysrq('4')
    await expect(guest.console).toPrintInOrder([
      /xen-root-complex: 0000:00:01\.0: no backend, no grants/,
      /xen-root-complex: 0000:00:02\.0: unknown to the root complex, not given to a driver/,
    ])
    leaving.fn.disappear()
    await guest.run(
      'echo 1 >/sys/bus/pci/devices/0000:00:02.0/remove; echo 1 >/sys/bus/pci/devices/0000:00:1f.0/remove',
    )
    await guest.run('echo 1 >/sys/bus/pci/rescan')
    await expect(guest.console).toPrint(
      /xen-root-complex: 0000:00:02\.0: the root complex is gone, not given to a driver/,
    )
  },
)
