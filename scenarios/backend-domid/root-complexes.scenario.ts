// SPDX-License-Identifier: Apache-2.0
/** The two options of the thread: a host bridge for each backend domain, or one bridge whose `iommu-map` tells functions apart. */
import { ecam, expect, RootComplex, scenario, VirtioFunction, XenHostBridge } from '../../harness/index.ts'
import { BRIDGE, KEYS, ringsAreGranted, TELL_TRANSLATIONS, translation } from './board-under-test.ts'

/** A second root complex beside the one at the thread's addresses, and its node in the guest. */
const SECOND = {
  base: 0x3400_0000,
  window: { base: 0x3600_0000, size: 0x200_0000 },
  segment: 1,
  config: ecam({ buses: 16 }),
}
const SECOND_BRIDGE = '/passthrough/pcie@34000000'

scenario(
  'option 1: two root complexes, each with a segment of its own, each for one backend domain',
  {
    platform: 'xen',
    drivers: [KEYS],
    board: { bootargs: TELL_TRANSLATIONS },
    devices: () => {
      const [first, second] = [new VirtioFunction({ at: '00:01.0' }), new VirtioFunction({ at: '00:01.0' })]
      return {
        ...{ first, second },
        one: new RootComplex({ functions: [first], backend: 1 }),
        other: new RootComplex({ ...SECOND, functions: [second], backend: 2 }),
      }
    },
  },
  async ({ board, devices: { first, second } }) => {
    const { console } = board.domain()
    await board.xl('sysrq', 'DomU', '4')
    await expect(console).toPrint(/virtio-pci 0000:00:01\.0: enabling device/)
    await expect(console).toPrint(translation(BRIDGE, 0x08, 1))
    expect(await ringsAreGranted(board, first)).toBe(true)
    expect(second.isDriven).toBe(false)

    await board.xl('sysrq', 'DomU', '6')
    await expect(console).toPrint(/pci-host-generic 34000000\.pcie: PCI host bridge to bus 0001:00/)
    await expect(console).toPrint(/virtio-pci 0001:00:01\.0: enabling device/)
    await expect(console).toPrint(translation(SECOND_BRIDGE, 0x08, 2))
    expect(await ringsAreGranted(board, second)).toBe(true)
  },
)

scenario(
  'option 2: one root complex, and its iommu-map has a row for each function',
  {
    platform: 'xen',
    drivers: [KEYS],
    board: { bootargs: TELL_TRANSLATIONS },
    devices: () => {
      const first = new VirtioFunction({ at: '00:01.0', backend: 1 })
      const second = new VirtioFunction({ at: '00:02.0', backend: 2 })
      const plain = new VirtioFunction({ at: '00:03.0' })
      return { first, second, plain, root: new RootComplex({ functions: [first, second, plain] }) }
    },
  },
  async ({ board, devices: { first, second, plain } }) => {
    const { console } = board.domain()
    await board.xl('sysrq', 'DomU', '4')
    expect([
      await ringsAreGranted(board, first),
      await ringsAreGranted(board, second),
      await ringsAreGranted(board, plain),
    ]).toEqual([true, true, false])
    await expect(console).toPrint(translation(BRIDGE, 0x08, 1))
    await expect(console).toPrint(translation(BRIDGE, 0x10, 2))
  },
)

scenario(
  'two root complexes that answer for themselves: the same BDF has another backend in each segment',
  {
    platform: 'xen',
    drivers: ['xen-root-complex', KEYS],
    devices: () => {
      const [first, second] = [new VirtioFunction({ at: '00:01.0' }), new VirtioFunction({ at: '00:01.0' })]
      const hostBridge = (domid: number) =>
        new XenHostBridge({ answer: (bdf) => (bdf === '00:01.0' ? domid : 'unknown') })
      return {
        ...{ first, second },
        one: new RootComplex({ hostBridge: hostBridge(1), functions: [first] }),
        other: new RootComplex({ ...SECOND, hostBridge: hostBridge(2), functions: [second] }),
      }
    },
  },
  async ({ board, devices: { first, second } }) => {
    const { console } = board.domain()
    await board.xl('sysrq', 'DomU', '4')
    await expect(console).toPrint(/xen-root-complex: 0000:00:01\.0: backend domain 1$/)
    await board.xl('sysrq', 'DomU', '6')
    await expect(console).toPrint(/xen-root-complex: 0001:00:01\.0: backend domain 2$/)
    expect([await ringsAreGranted(board, first), await ringsAreGranted(board, second)]).toEqual([true, true])
  },
)

scenario(
  'both root complexes are found on a bare machine too',
  {
    platform: 'virt',
    drivers: [{ name: 'pseudo-hotplug', parameters: { keys: '4+/pcie@10000000,6+/pcie@34000000' } }],
    devices: () => ({
      one: new RootComplex({ functions: [new VirtioFunction({ at: '00:01.0' })] }),
      other: new RootComplex({ ...SECOND, functions: [new VirtioFunction({ at: '00:02.0' })] }),
    }),
  },
  async ({ board }) => {
    const { console } = board.domain()
    await board.domain().sysrq('4')
    await expect(console).toPrint(/pci 0000:00:01\.0: \[1af4:1044\]/)
    await board.domain().sysrq('6')
    await expect(console).toPrint(/pci 0001:00:02\.0: \[1af4:1044\]/)
  },
)
