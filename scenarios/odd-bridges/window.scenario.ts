// SPDX-License-Identifier: Apache-2.0
/** "Register multiplexing via a window; similar to legacy x86 PCI access mechanism". */
import { addressDataWindow, expect, RootComplex, RootPort, scenario } from '../../harness/index.ts'
import {
  enableBridge,
  expectSmallAccesses,
  functionOf,
  HEADER,
  IDS,
  KEYS,
  SERIAL,
  testFunction,
} from './bridge-under-test.ts'

/** The last device of the root bus, and one behind a root port: all fields of the address count. */
const bridge = () => {
  const port = new RootPort({ at: '00:1f.0' })
  port.insert([testFunction('01:00.0')])
  return {
    root: new RootComplex({ config: addressDataWindow(), functions: [testFunction('00:03.0'), port] }),
  }
}

scenario(
  'no driver of the kernel takes a bridge with a window',
  { platform: 'virt', drivers: [KEYS], devices: bridge },
  async ({ board }) => {
    expect(await enableBridge(board)).toEqual([])
    await expect(board.domain().console).toPrint(
      /pseudo-hotplug: \/pcie@10000000: no driver is bound to 10000000\.pcie/,
    )
    expect(board.trace.entries.filter(({ what }) => what === 'read' || what === 'write')).toEqual([])
  },
)

scenario(
  'with pci-host-window the functions behind the window are found, extended configuration space and all',
  { platform: ['virt', 'xen'], drivers: [KEYS, 'pci-host-window'], devices: bridge },
  async ({ board, devices: { root } }) => {
    const guest = board.domain()
    expect(await enableBridge(board)).toEqual(['00:00.0', '00:03.0', '00:1f.0', '01:00.0'])
    await expect(guest.console).toPrintInOrder([
      /pci-host-window 10000000\.pcie: configuration space through a window at \[mem 0x10000000-0x10000fff\]/,
      /pci 0000:00:03\.0: \[1b36:0005\] type 00 class 0xff0000 PCIe Root Complex Integrated Endpoint/,
    ])

    await expectSmallAccesses(board, root, '00:03.0')
    await expectSmallAccesses(board, root, '01:00.0')
    expect(await guest.pci('00:03.0').readConfig(SERIAL.offset, 4)).toBe(SERIAL.low)
    expect(await guest.pci('00:03.0').readConfig(SERIAL.offset + 2, 2)).toBe(SERIAL.low >>> 16)
    expect(board.trace.entries.filter(({ space }) => space === 'window')).toEqual([])
  },
)

scenario(
  'what a command wrote is in the model when the command has ended, also if the harness looks late',
  { platform: 'virt', drivers: [KEYS, 'pci-host-window'], devices: bridge },
  async ({ board, devices: { root } }) => {
    await enableBridge(board)
    const seen = board.domain().pci('00:03.0')
    const { config } = functionOf(root, '00:03.0')
    for (let value = 1; value <= 40; value++) {
      const written = seen.writeConfig(HEADER.interruptLine, 1, value)
      // The write, for which the guest waits for no answer, and the command's end come while nobody looks.
      const later = performance.now() + 30
      while (performance.now() < later);
      await written
      expect(config.get(HEADER.interruptLine, 1)).toBe(value)
    }
  },
)

scenario(
  'two processors that read through the window at once do not get each other’s registers',
  { platform: 'virt', drivers: [KEYS, 'pci-host-window'], devices: bridge },
  async ({ board }) => {
    await enableBridge(board)
    const read = (bdf: string, processor: number) =>
      `taskset ${processor} sh -c 'for i in $(seq 150); do guestrig-pci config read ${bdf} 0 4; done' >/tmp/${processor} &`

    const { stdout } = await board
      .domain()
      .run(`${read('00:00.0', 1)} ${read('00:03.0', 2)} wait; sort /tmp/1 /tmp/2 | uniq -c`, {
        timeout: 20_000,
      })

    const answer = (bdf: string, value: string) =>
      `150 {"bdf":"0000:${bdf}","offset":0,"width":4,"value":"0x${value}"}`
    expect(stdout.trim().split(/\n */)).toEqual([
      answer('00:00.0', '00081b36'),
      answer('00:03.0', IDS.toString(16).padStart(8, '0')),
    ])
  },
)
