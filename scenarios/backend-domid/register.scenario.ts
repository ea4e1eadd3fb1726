// SPDX-License-Identifier: Apache-2.0
/**
 * A root complex that answers a function with its backend's domid (`drivers/xen-root-complex/README.md`), and the unmodified grant-dma-ops that
 * uses the answer.
 */
import { expect, RootComplex, scenario, VirtioFunction, XenHostBridge } from '../../harness/index.ts'
import {
  BRIDGE,
  driverOf,
  KEYS,
  remove,
  rescan,
  ringsAreGranted,
  TELL_TRANSLATIONS,
  translation,
} from './board-under-test.ts'

const DRIVERS = ['xen-root-complex', KEYS]
const virtio = (at: string, present = true) => new VirtioFunction({ at, present })

scenario(
  'three functions behind one bridge each get their own answer: domain 1, domain 2, none',
  {
    platform: 'xen',
    drivers: DRIVERS,
    board: { bootargs: TELL_TRANSLATIONS },
    devices: () => {
      const [first, second, plain, stranger] = [
        virtio('00:01.0'),
        virtio('00:02.0'),
        virtio('00:03.0'),
        virtio('00:04.0'),
      ]
      const answers = new Map([
        [first.at, 1],
        [second.at, 2],
      ])
      const answer = (bdf: string) => answers.get(bdf) ?? (bdf === plain.at ? 'no-backend' : 'unknown')
      const root = new RootComplex({
        hostBridge: new XenHostBridge({ answer }),
        functions: [first, second, plain, stranger],
      })
      return { root }
    },
  },
  async ({ board, devices: { root } }) => {
    const { console } = board.domain()
    const [first, second, plain, stranger] = root.functions.filter((fn) => fn instanceof VirtioFunction)
    await board.xl('sysrq', 'DomU', '4')

    await expect(console).toPrintInOrder([
      /xen-root-complex: pci 0000:00:00\.0 answers for \/passthrough\/pcie@10000000/,
      /xen-root-complex: 0000:00:01\.0: backend domain 1$/,
      /xen-root-complex: 0000:00:02\.0: backend domain 2$/,
      /xen-root-complex: 0000:00:03\.0: no backend, no grants$/,
      /xen-root-complex: 0000:00:04\.0: unknown to the root complex, not given to a driver$/,
    ])
    expect(
      await Promise.all([first, second, plain].map((fn) => ringsAreGranted(board, fn as VirtioFunction))),
    ).toEqual([true, true, false])
    await expect(console).toPrint(translation(BRIDGE, 0x08, 1))
    await expect(console).toPrint(translation(BRIDGE, 0x10, 2))
    await expect(console).toPrint(/OF: .*no iommu-map translation for id 0x18/)
    await expect(console).toStayQuietAbout(/id 0x20|id: 00000020/)
    expect(stranger?.isDriven).toBe(false)
    expect(await driverOf(board, '00:04.0')).toBe('')
  },
)

scenario(
  'a hot-added function gets its answer at run time, and another one when it comes back',
  {
    platform: 'xen',
    drivers: DRIVERS,
    board: { bootargs: TELL_TRANSLATIONS },
    devices: () => {
      const backends = new Map<string, number>()
      const late = virtio('00:05.0', false)
      const hostBridge = new XenHostBridge({ answer: (bdf) => backends.get(bdf) ?? 'unknown' })
      return { root: new RootComplex({ hostBridge, functions: [late] }), late, backends }
    },
  },
  async ({ board, devices: { late, backends } }) => {
    const { console } = board.domain()
    await board.xl('sysrq', 'DomU', '4')
    await expect(console).toPrint(/pseudo-hotplug: enable/)
    await expect(console).toStayQuietAbout(/0000:00:05\.0/)

    backends.set(late.at, 2)
    late.appear()
    await rescan(board)
    await expect(console).toPrint(/xen-root-complex: 0000:00:05\.0: backend domain 2$/)
    expect(await ringsAreGranted(board, late)).toBe(true)
    await expect(console).toPrint(translation(BRIDGE, 0x28, 2))

    await remove(board, late.at)
    await board.until('the function has lost its driver', () => !late.isDriven)
    backends.set(late.at, 3)
    await rescan(board)
    await expect(console).toPrint(/xen-root-complex: 0000:00:05\.0: backend domain 3$/)
    // Whether the rings are granted this time is chance: grant-dma-ops knows devices by the address of their `struct device` and never forgets
    // one, so that a new device at an old address is "already created" and gets real addresses (seen on 6.12).
    await expect(console).toPrint(translation(BRIDGE, 0x28, 3))
  },
)

scenario(
  'a function whose backend is not ready is held back, and given to its driver when it is',
  {
    platform: 'xen',
    drivers: DRIVERS,
    devices: () => {
      const backend = { ready: false }
      const hostBridge = new XenHostBridge({ answer: () => (backend.ready ? 1 : 'not-yet') })
      return { root: new RootComplex({ hostBridge, functions: [virtio('00:01.0')] }), backend }
    },
  },
  async ({ board, devices: { root, backend } }) => {
    const { console } = board.domain()
    await board.xl('sysrq', 'DomU', '4')
    await expect(console).toPrint(/xen-root-complex: 0000:00:01\.0: the backend is not ready, asking again$/)
    expect(await driverOf(board, '00:01.0')).toBe('')

    backend.ready = true
    await expect(console).toPrint(/xen-root-complex: 0000:00:01\.0: backend domain 1$/)
    const fn = root.functions.find((other) => other instanceof VirtioFunction) as VirtioFunction
    expect(await ringsAreGranted(board, fn)).toBe(true)
  },
)

scenario(
  'a query stays in flight until it is answered; one that never is does not give the function away',
  {
    platform: 'xen',
    drivers: DRIVERS,
    devices: () => {
      let answered = (_: number) => {}
      const late = new Promise<number>((resolve) => {
        answered = resolve
      })
      const never = new Promise<never>(() => {})
      const hostBridge = new XenHostBridge({ answer: (bdf) => (bdf === '00:01.0' ? late : never) })
      return {
        root: new RootComplex({ hostBridge, functions: [virtio('00:01.0'), virtio('00:02.0')] }),
        answer: answered,
      }
    },
  },
  async ({ board, devices: { root, answer } }) => {
    const { console } = board.domain()
    const [first, second] = root.functions.filter((fn) => fn instanceof VirtioFunction)
    const inFlight = () =>
      root.trace.entries.some(
        ({ from, what, value }) => from === '00:00.0' && what === 'read' && value === '80000008',
      )
    await board.xl('sysrq', 'DomU', '4')
    await board.until('the query was read while in flight', inFlight)

    answer(1)
    await expect(console).toPrint(/xen-root-complex: 0000:00:01\.0: backend domain 1$/)
    expect(await ringsAreGranted(board, first as VirtioFunction)).toBe(true)
    await expect(console).toPrint(
      /xen-root-complex: 0000:00:02\.0: no answer within 1000 ms \(0x80000010\), not given to a driver$/,
    )
    expect(second?.isDriven).toBe(false)
  },
)
