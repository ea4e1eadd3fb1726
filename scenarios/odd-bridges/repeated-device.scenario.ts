// SPDX-License-Identifier: Apache-2.0
/**
 * "ECAM compliant but with special casing for different devices": the DesignWare controller does not look at the device number on its root
 * bus, so that its device 0 answers 32 times.
 */
import { type Board, ecam, expect, RootComplex, scenario } from '../../harness/index.ts'
import { enableBridge, IDS, KEYS, SERIAL, testFunction } from './bridge-under-test.ts'

const bridge = (compatible: string) =>
  new RootComplex({ config: ecam({ repeatsDevice0: true, compatible }), hostBridge: testFunction('00:00.0') })

/** How often the guest looked who is there. */
const looks = (board: Board): number =>
  board.trace.entries.filter(({ what, address, size }) => what === 'read' && address === 0 && size === 4)
    .length

const ALL_DEVICES = Array.from({ length: 32 }, (_, device) => `00:${device.toString(16).padStart(2, '0')}.0`)

scenario(
  'the stock ECAM driver sees 32 copies of the one device, and can use only the last',
  { platform: 'virt', drivers: [KEYS], devices: () => ({ root: bridge('pci-host-ecam-generic') }) },
  async ({ board }) => {
    const guest = board.domain()
    expect(await enableBridge(board)).toEqual(ALL_DEVICES)
    expect(looks(board)).toBeGreaterThanOrEqual(ALL_DEVICES.length)

    // Each copy was given an address of its own for its BAR, and they have one register for it.
    await expect(guest.console).toPrint(/pci 0000:00:00\.0: BAR 0 \[mem 0x23000000-0x23000fff\]: assigned/)
    await expect(guest.console).toPrint(/pci 0000:00:1f\.0: BAR 0 \[mem 0x2301f000-0x2301ffff\]: assigned/)
    expect(await guest.pci('00:00.0').readBar(0, 0x7c, 4)).toBe(0xffff_ffff)
    expect(await guest.pci('00:1f.0').readBar(0, 0x7c, 4)).toBe(0x7c)
  },
)

scenario(
  'the driver for the DesignWare controller sees the one device, and asks for no other',
  {
    platform: ['virt', 'xen'],
    drivers: [KEYS],
    devices: () => ({ root: bridge('snps,dw-pcie-ecam') }),
  },
  async ({ board }) => {
    const device = board.domain().pci('00:00.0')
    expect(await enableBridge(board)).toEqual(['00:00.0'])
    expect(looks(board)).toBeLessThan(ALL_DEVICES.length)
    expect(await device.readConfig(0, 4)).toBe(IDS)
    expect(await device.readConfig(SERIAL.offset, 4)).toBe(SERIAL.low)
    expect(await device.readBar(0, 0x7c, 4)).toBe(0x7c)
  },
)
