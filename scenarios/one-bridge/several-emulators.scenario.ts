// SPDX-License-Identifier: Apache-2.0
/** The emulator's own functions and modelled ones under one host bridge, told apart by BDF; and no bridge where none was asked for. */
import {
  expect,
  rootPort,
  scenario,
  VirtioFunction,
  virtioNet,
  virtioRng,
  XenHostBridge,
} from '../../harness/index.ts'

const KEYS = { name: 'pseudo-hotplug', parameters: { keys: '4+/pcie@10000000', prefix: '/passthrough' } }

/** Bit 63 of a ring's address: granted. */
const isGranted = (address: bigint) => address >> 63n === 1n

scenario(
  'QEMU’s functions and modelled ones share a bridge',
  {
    platform: ['virt', 'xen'],
    drivers: [KEYS],
    devices: () => ({
      net: virtioNet({ at: '00:01.0' }),
      modelled: new VirtioFunction({ at: '00:02.0', backend: 1 }),
      rng: virtioRng({ at: '00:03.0' }),
      other: new VirtioFunction({ at: '00:04.0', backend: 2 }),
    }),
  },
  async ({ board, platform, devices: { net, modelled, other } }) => {
    const { console } = board.domain()
    await board.domain().sysrq('4')

    await expect(console).toPrintInOrder([
      /pci 0000:00:00\.0: \[1b36:0008\]/,
      /pci 0000:00:01\.0: \[1af4:1041\]/,
      /pci 0000:00:02\.0: \[1af4:1044\]/,
      /pci 0000:00:03\.0: \[1af4:1044\]/,
      /pci 0000:00:04\.0: \[1af4:1044\]/,
      /pseudo-hotplug: enable/,
    ])
    const driven = [modelled, other].map((fn) => fn.isDriven)
    expect(driven).toEqual([true, true])
    const rings = [
      ...(await board.ringsOf(net)),
      ...[modelled, other].flatMap(({ queues }) => queues.map((queue) => queue.descriptors)),
    ]
    expect(rings.every((address) => isGranted(address) === (platform === 'xen'))).toBe(true)
  },
)

scenario(
  'a modelled register answers for QEMU’s functions: those of boot, and one that is hot-plugged',
  {
    platform: 'xen',
    drivers: ['xen-root-complex', KEYS],
    board: {
      later: [virtioRng({ at: '01:00.0', bus: 'port1', backend: 'unnamed' })],
      bootargs: 'pcie_ports=compat',
    },
    devices: () => {
      const backends: Record<string, number> = { '00:01.0': 0, '01:00.0': 2 }
      const answer = (bdf: string) => backends[bdf] ?? (bdf === '00:02.0' ? 'no-backend' : 'unknown')
      return {
        net: virtioNet({ at: '00:01.0', backend: 'unnamed' }),
        port: rootPort({ at: '00:02.0', id: 'port1' }),
        // QEMU keeps 00:00.0 for its own host bridge.
        register: new XenHostBridge({ at: '00:1f.0', answer }),
      }
    },
  },
  async ({ board, devices: { net } }) => {
    const { console } = board.domain()
    await board.domain().sysrq('4')
    await expect(console).toPrintInOrder([
      /xen-root-complex: pci 0000:00:1f\.0 answers for \/passthrough\/pcie@10000000/,
      /xen-root-complex: 0000:00:01\.0: backend domain 0$/,
      /xen-root-complex: 0000:00:02\.0: no backend, no grants$/,
      /virtio-pci 0000:00:01\.0: enabling device/,
    ])
    await board.until('net has granted rings', async () => (await board.ringsOf(net)).some(isGranted))

    const late = virtioRng({ at: '01:00.0', bus: 'port1', backend: 'unnamed' })
    await board.plug(late)
    await board.domain().run(['sh', '-c', 'echo 1 >/sys/bus/pci/rescan'])
    await expect(console).toPrint(/xen-root-complex: 0000:01:00\.0: backend domain 2$/)
    await board.until('the late function has granted rings', async () =>
      (await board.ringsOf(late)).some(isGranted),
    )
  },
)

scenario(
  'a board that was not asked for a host bridge has none',
  { platform: ['virt', 'xen'], drivers: [KEYS] },
  async ({ board }) => {
    const { console } = board.domain()
    await board.domain().sysrq('4')
    await expect(console).toPrint(
      /pseudo-hotplug: key '4': no node \/pcie@10000000, no node \/passthrough\/pcie@10000000/,
    )
    await expect(console).toStayQuietAbout(/pci-host-generic|PCI host bridge/)
    expect((await board.domain().run('ls /sys/bus/pci/devices')).stdout).toBe('')
  },
)

scenario(
  'a modelled function is plugged behind the emulator’s root port, by native hot-plug',
  {
    // A domU has no MSI, and QEMU's root port asserts no INTx for what happens in its slot: `RootPort`, the modelled one, does (scenarios/waiting).
    platform: 'virt',
    drivers: [KEYS],
    devices: () => ({ port: rootPort({ at: '00:01.0', id: 'port1' }) }),
  },
  async ({ board }) => {
    const { console } = board.domain()
    await board.domain().sysrq('4')
    await expect(console).toPrint(/pseudo-hotplug: enable/)

    const fn = new VirtioFunction({ at: '01:00.0', bus: 'port1' })
    await board.plug(fn)
    await expect(console).toPrint(/pci 0000:01:00\.0: \[1af4:1044\]/)
    await board.until('the function has its driver', () => fn.isDriven)
  },
)
