// SPDX-License-Identifier: Apache-2.0
/** "Restrictions on access size, e.g., only certain sizes supported": an ECAM that takes 32-bit accesses only. */
import { ecam, expect, RootComplex, scenario } from '../../harness/index.ts'
import {
  enableBridge,
  expectSmallAccesses,
  functionOf,
  HEADER,
  KEYS,
  RECEIVED_MASTER_ABORT,
  SERIAL,
  testFunction,
  widthsInTrace,
} from './bridge-under-test.ts'

const bridge = (compatible: string) =>
  new RootComplex({ config: ecam({ widths: [4], compatible }), functions: [testFunction('00:03.0')] })

scenario(
  'the stock ECAM driver finds every function behind an ECAM of dwords, and ignores it',
  { platform: 'virt', drivers: [KEYS], devices: () => ({ root: bridge('pci-host-ecam-generic') }) },
  async ({ board, devices: { root } }) => {
    expect(await enableBridge(board)).toEqual([])
    // The IDs are read as a dword, the header type as a byte.
    await expect(board.domain().console).toPrintInOrder([
      /pci 0000:00:00\.0: \[1b36:0008\] type 7f class 0x060000/,
      /pci 0000:00:00\.0: unknown header type 7f, ignoring device/,
      /pci 0000:00:03\.0: \[1b36:0005\] type 7f class 0xff0000/,
      /pci 0000:00:03\.0: unknown header type 7f, ignoring device/,
    ])
    expect(board.trace.entries).toContainEqual(
      // Header Type of 00:03.0, in the ECAM.
      expect.objectContaining({
        from: root.name,
        space: 'window',
        address: 0x1800e,
        size: 1,
        note: 'not taken',
      }),
    )
  },
)

scenario(
  'with pci-host-ecam32 the functions behind an ECAM of dwords are found, extended configuration space and all',
  {
    platform: ['virt', 'xen'],
    drivers: [KEYS, 'pci-host-ecam32'],
    devices: () => ({ root: bridge('guestrig,pci-host-ecam-32bit') }),
  },
  async ({ board, devices: { root } }) => {
    const guest = board.domain()
    expect(await enableBridge(board)).toEqual(['00:00.0', '00:03.0'])

    await expectSmallAccesses(board, root, '00:03.0')
    expect(await guest.pci('00:03.0').readConfig(SERIAL.offset, 4)).toBe(SERIAL.low)
    expect(await guest.pci('00:03.0').readConfig(SERIAL.offset, 1)).toBe(SERIAL.low & 0xff)
    expect(widthsInTrace(board, '00:03.0')).toEqual([4])
    expect(board.trace.entries.filter(({ space }) => space === 'window')).toEqual([])
  },
)

scenario(
  'the price of an ECAM of dwords: a write of Command clears the errors in Status',
  {
    platform: 'virt',
    drivers: [KEYS, 'pci-host-ecam32'],
    devices: () => ({ root: bridge('guestrig,pci-host-ecam-32bit') }),
  },
  async ({ board, devices: { root } }) => {
    await enableBridge(board)
    // The kernel says so once for each bus.
    await expect(board.domain().console).toPrint(
      /2-byte config write to 0000:00:0.\.0 offset 0x4 may corrupt adjacent RW1C bits/,
    )
    const { config } = functionOf(root, '00:03.0')
    config.set(HEADER.status, 2, config.get(HEADER.status, 2) | RECEIVED_MASTER_ABORT)

    await board.domain().pci('00:03.0').writeConfig(HEADER.command, 2, 0)

    expect(config.get(HEADER.status, 2) & RECEIVED_MASTER_ABORT).toBe(0)
  },
)
