// SPDX-License-Identifier: Apache-2.0
/** The ways in which a guest that booted first learns that a backend is ready, side by side. */
import {
  type BackendAnswer,
  expect,
  RootComplex,
  RootPort,
  type ScenarioOptions,
  scenario,
  XenHostBridge,
} from '../../harness/index.ts'
import { BACKEND_READY, enableBridge, KEYS, rescan, timeUntilDriven, virtio } from './board-under-test.ts'

const BOTH: Pick<ScenarioOptions, 'platform' | 'drivers' | 'tags'> = {
  platform: ['virt', 'xen'],
  drivers: [KEYS],
  tags: ['waiting'],
}

/** A slot with nothing in it, on a bridge of its own. */
const WITH_SLOT = {
  ...BOTH,
  devices: () => {
    const port = new RootPort({ at: '00:01.0' })
    return { port, root: new RootComplex({ functions: [port] }) }
  },
}

scenario(
  'status toggle: the whole bridge waits',
  {
    ...BOTH,
    devices: () => {
      const fn = virtio('00:01.0')
      return { fn, root: new RootComplex({ functions: [fn] }) }
    },
  },
  async ({ board, devices: { fn }, measured }) => {
    measured(BACKEND_READY, await timeUntilDriven(fn, () => enableBridge(board)))
    await expect(board.domain().console).toPrint(/pseudo-hotplug: enable .*pcie@10000000/)
  },
)

scenario(
  'silent appearance and a rescan: the bridge is there, and empty',
  {
    ...BOTH,
    devices: () => {
      const fn = virtio('00:01.0', false)
      return { fn, root: new RootComplex({ functions: [fn] }) }
    },
  },
  async ({ board, devices: { fn }, measured }) => {
    const { console } = board.domain()
    await enableBridge(board)
    await expect(console).toPrint(/pseudo-hotplug: enable/)

    fn.appear()
    await expect(console).toStayQuietAbout(/0000:00:01\.0/)
    measured(BACKEND_READY, await timeUntilDriven(fn, () => rescan(board)))
  },
)

scenario(
  'native hot-plug behind a root port: the slot says so',
  WITH_SLOT,
  async ({ board, devices: { root, port }, measured }) => {
    const { console } = board.domain()
    await enableBridge(board)
    await expect(console).toPrint(/pseudo-hotplug: enable/)
    const fn = virtio('01:00.0')

    measured(BACKEND_READY, await timeUntilDriven(fn, () => root.insert(port, [fn])))
    await expect(console).toPrintInOrder([
      /pcieport 0000:00:01\.0: pciehp: Slot\(1\): Card present/,
      /pcieport 0000:00:01\.0: pciehp: Slot\(1\): Link Up/,
      /pci 0000:01:00\.0: \[1af4:1044\]/,
    ])
  },
)

scenario(
  'a link that comes up late: pcie_wait_for_link waits for a second',
  WITH_SLOT,
  async ({ board, devices: { root, port }, measured }) => {
    const { console } = board.domain()
    await enableBridge(board)
    await expect(console).toPrint(/pseudo-hotplug: enable/)
    const fn = virtio('01:00.0')
    root.insert(port, [fn], { linkUp: false })
    await expect(console).toPrint(/pciehp: Slot\(1\): Card present/)

    measured(BACKEND_READY, await timeUntilDriven(fn, () => port.setLink(true)))
    await expect(console).toStayQuietAbout(/pciehp: Slot\(1\): (No link|Cannot train link)/)
  },
)

scenario(
  'a link that comes up later than that: given up, then found by the event that it is up',
  WITH_SLOT,
  async ({ board, devices: { root, port }, measured }) => {
    const { console } = board.domain()
    await enableBridge(board)
    await expect(console).toPrint(/pseudo-hotplug: enable/)
    const fn = virtio('01:00.0')
    root.insert(port, [fn], { linkUp: false })
    await expect(console).toPrint(/pcieport 0000:00:01\.0: pciehp: Slot\(1\): No link/)

    measured(BACKEND_READY, await timeUntilDriven(fn, () => port.setLink(true)))
    await expect(console).toPrint(/pcieport 0000:00:01\.0: pciehp: Slot\(1\): Link Up/)
  },
)

scenario(
  'an interrupt of the root complex: it says that there is something new, and the guest looks and asks',
  {
    ...BOTH,
    drivers: [...(BOTH.drivers ?? []), 'xen-root-complex'],
    devices: () => {
      const backends = new Map<string, BackendAnswer>()
      const hostBridge = new XenHostBridge({ answer: (bdf) => backends.get(bdf) ?? 'not-yet' })
      const late = virtio('00:02.0', false)
      return {
        backends,
        hostBridge,
        late,
        root: new RootComplex({ hostBridge, functions: [virtio('00:01.0'), late] }),
      }
    },
  },
  async ({ board, platform, devices: { backends, hostBridge, root, late }, measured }) => {
    const { console } = board.domain()
    await enableBridge(board)
    await expect(console).toPrint(/xen-root-complex: pci 0000:00:00\.0 tells of changes/)
    await expect(console).toPrint(/xen-root-complex: 0000:00:01\.0: the backend is not ready, asking again/)

    const held = root.functions.find(({ at }) => at === '00:01.0') as typeof late
    const ready = () => {
      // A bare guest has nobody to grant to.
      const answer = platform === 'xen' ? 1 : 'no-backend'
      backends.set('00:01.0', answer).set('00:02.0', answer)
      late.appear()
      hostBridge.changed()
    }
    const [one, other] = await Promise.all([timeUntilDriven(held, ready), timeUntilDriven(late, () => {})])
    measured(BACKEND_READY, Math.max(one, other))
  },
)
