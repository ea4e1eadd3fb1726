// SPDX-License-Identifier: Apache-2.0
/** Bridges without the register: those that never had one are none of the driver's business, those that lost it are. */
import {
  expect,
  RootComplex,
  scenario,
  VirtioFunction,
  virtioNet,
  virtioRng,
  XenHostBridge,
} from '../../harness/index.ts'
import { driverOf, KEYS, remove, rescan } from './board-under-test.ts'

scenario(
  'a bridge without the register is left alone',
  {
    platform: 'virt',
    drivers: ['xen-root-complex', KEYS],
    board: { devices: [virtioNet({ at: '00:01.0' }), virtioRng({ at: '00:02.0' })] },
  },
  async ({ board }) => {
    const guest = board.domain()
    for (const _ of [1, 2]) {
      guest.console.mark()
      await guest.sysrq('4')
      await expect(guest.console).toPrint(/pseudo-hotplug: enable/)
      // Bound within the scan of the bus, as without the driver.
      expect(await driverOf(board, '00:01.0')).toBe('virtio-pci')
      await guest.sysrq('5')
      await expect(guest.console).toPrint(/pseudo-hotplug: disable/)
    }
    guest.console.seek(0)
    await expect(guest.console).toStayQuietAbout(/xen-root-complex: (pci )?0000:/)
  },
)

scenario(
  'behind a root complex whose register is gone, a new function is given to no driver',
  {
    platform: ['virt', 'xen'],
    drivers: ['xen-root-complex', KEYS],
    devices: () => {
      const answer = (bdf: string) => (bdf === '00:01.0' ? 'no-backend' : 'unknown')
      const register = new XenHostBridge({ at: '00:1f.0', answer })
      const functions = [
        new VirtioFunction({ at: '00:01.0' }),
        new VirtioFunction({ at: '00:02.0' }),
        register,
      ]
      return { register, root: new RootComplex({ hostBridge: false, functions }) }
    },
  },
  async ({ board, devices: { register } }) => {
    const { console } = board.domain()
    await board.domain().sysrq('4')
    await expect(console).toPrintInOrder([
      /xen-root-complex: pci 0000:00:1f\.0 answers for /,
      /xen-root-complex: 0000:00:01\.0: no backend, no grants$/,
      /xen-root-complex: 0000:00:02\.0: unknown to the root complex, not given to a driver$/,
    ])
    register.disappear()
    await remove(board, '00:02.0')
    await remove(board, '00:1f.0')
    await rescan(board)
    await expect(console).toPrint(
      /xen-root-complex: 0000:00:02\.0: the root complex is gone, not given to a driver$/,
    )
    expect(await driverOf(board, '00:02.0')).toBe('')
  },
)
