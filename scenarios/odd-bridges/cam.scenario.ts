// SPDX-License-Identifier: Apache-2.0
/**
 * CAM, the predecessor of ECAM: 256 bytes a function instead of 4096. What a guest makes of it that takes it for an ECAM, and what one that
 * is told.
 */
import { cam, expect, RootComplex, scenario } from '../../harness/index.ts'
import {
  enableBridge,
  expectSmallAccesses,
  functionOf,
  HEADER,
  IDS,
  KEYS,
  RECEIVED_MASTER_ABORT,
  testFunction,
} from './bridge-under-test.ts'

const behind = () => [testFunction('00:03.0'), testFunction('00:10.0')]

scenario(
  'a CAM that is described as an ECAM shows one function in sixteen, in the wrong place',
  {
    platform: 'virt',
    drivers: [KEYS],
    devices: () => ({
      root: new RootComplex({ config: cam({ compatible: 'pci-host-ecam-generic' }), functions: behind() }),
    }),
  },
  async ({ board, devices: { root } }) => {
    const guest = board.domain()
    const found = await enableBridge(board)

    // The 16 MiB are all 256 buses of a CAM, and 16 buses of an ECAM.
    await expect(guest.console).toPrint(
      /ECAM area \[mem 0x10000000-0x10ffffff\] can only accommodate \[bus 00-0f\]/,
    )
    // 00:03.0 is in the middle of what the guest takes for 00:00.1; 00:10.0 stands where it expects 00:01.0.
    expect(found).toEqual(['00:00.0', '00:01.0'])
    const wrong = guest.pci('00:01.0')
    expect(await wrong.readConfig(0, 4)).toBe(IDS)
    await wrong.writeConfig(HEADER.interruptLine, 1, 0x5a)
    expect(functionOf(root, '00:10.0').config.get(HEADER.interruptLine, 1)).toBe(0x5a)
    // Where its extended configuration space should be, the next function of the CAM would be: 00:10.1, and nobody is there.
    await expect(wrong.readConfig(0x100, 4)).rejects.toThrow(/beyond the 0x100 bytes/)
    expect(board.trace.entries).toContainEqual(
      expect.objectContaining({ from: root.name, what: 'read', note: 'nobody at 00:10.1' }),
    )
  },
)

scenario(
  'a CAM that is described as one shows every function, without extended configuration space',
  {
    platform: ['virt', 'xen'],
    drivers: [KEYS],
    devices: () => ({ root: new RootComplex({ config: cam(), functions: behind() }) }),
  },
  async ({ board, devices: { root } }) => {
    const guest = board.domain()
    expect(await enableBridge(board)).toEqual(['00:00.0', '00:03.0', '00:10.0'])
    await expect(guest.console).toPrint(/ECAM at \[mem 0x10000000-0x10ffffff\] for \[bus 00-ff\]/)

    await expectSmallAccesses(board, root, '00:03.0')
    await expect(guest.pci('00:03.0').readConfig(0x100, 4)).rejects.toThrow(/beyond the 0x100 bytes/)

    // A write of Command leaves Status, beside it, alone.
    const { config } = functionOf(root, '00:10.0')
    config.set(HEADER.status, 2, config.get(HEADER.status, 2) | RECEIVED_MASTER_ABORT)
    await guest.pci('00:10.0').writeConfig(HEADER.command, 2, 0)
    expect(config.get(HEADER.status, 2) & RECEIVED_MASTER_ABORT).toBe(RECEIVED_MASTER_ABORT)
  },
)
