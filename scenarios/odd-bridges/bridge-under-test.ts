// SPDX-License-Identifier: Apache-2.0
/** What the scenarios of this folder share: the functions behind the bridges, and how the guest comes to look for them. */
import {
  type Board,
  expect,
  PciFunction,
  pciExpress,
  type RootComplex,
  registerBar,
  serialNumber,
} from '../../harness/index.ts'

/** Key 4 enables the bridge's node, under both of its paths. */
export const KEYS = {
  name: 'pseudo-hotplug',
  parameters: { keys: '4+/pcie@10000000', prefix: '/passthrough' },
}

/** Enables the bridge's node; when it has been probed, the BDFs of the functions that the guest found. */
export async function enableBridge(board: Board): Promise<string[]> {
  const guest = board.domain()
  await guest.sysrq('4')
  await expect(guest.console).toPrint(/pseudo-hotplug: enable .*\/pcie@10000000$/)
  return await functionsFound(board)
}

export async function functionsFound(board: Board): Promise<string[]> {
  const { stdout } = await board.domain().run('ls /sys/bus/pci/devices')
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((name) => name.replace(/^0000:/, ''))
}

/** Vendor and device ID in one dword; no driver in the guest wants this function (QEMU calls it its test device). */
export const IDS = 0x0005_1b36

/** The lower half of its serial number, which is in extended configuration space. */
export const SERIAL = { offset: 0x104, low: 0x0bad_cafe }

/** A function with extended configuration space. A register of its BAR reads as its own offset. */
export const testFunction = (at: string): PciFunction =>
  new PciFunction({
    ...{ at, vendor: IDS & 0xffff, device: IDS >>> 16, class: 0xff0000 },
    bars: { 0: registerBar({ size: 4096, read: (offset) => offset }) },
    capabilities: [pciExpress({ type: 'root-complex-endpoint' }), serialNumber(0x0123_4567_0bad_cafen)],
  })

export function functionOf(root: RootComplex, bdf: string): PciFunction {
  const fn = root.functions.find(({ at }) => at === bdf)
  if (!fn) throw new RangeError(`the bridge has no function at ${bdf}`)
  return fn
}

/** Registers of the header (PCI Express Base Specification 6.0, section 7.5.1.1). */
export const HEADER = { command: 0x04, status: 0x06, interruptLine: 0x3c } as const

/** Bit of Status that writing a 1 clears (section 7.5.1.1.4). */
export const RECEIVED_MASTER_ABORT = 0x2000

/** The function answers to each size of access, and in its BAR; writes of a part of a dword change that part. */
export async function expectSmallAccesses(board: Board, root: RootComplex, bdf: string): Promise<void> {
  const seen = board.domain().pci(bdf)
  const { config } = functionOf(root, bdf)
  expect(await seen.readConfig(0, 4)).toBe(IDS)
  expect([await seen.readConfig(0, 2), await seen.readConfig(2, 2)]).toEqual([IDS & 0xffff, IDS >>> 16])
  for (const byte of [0, 1, 2, 3]) {
    expect(await seen.readConfig(byte, 1)).toBe((IDS >>> (8 * byte)) & 0xff)
  }

  await seen.writeConfig(HEADER.interruptLine, 1, 0x5a)
  expect(config.get(HEADER.interruptLine, 4)).toBe(0x5a)
  expect(await seen.readBar(0, 0x7c, 4)).toBe(0x7c)
  expect(await seen.readBar(0, 0x7fc, 1)).toBe(0xfc)
  // readBar has turned memory decoding on, in the lower half of a dword.
  expect(config.get(HEADER.command, 2)).toBe(0x0002)
}

/** The sizes of access, in bytes, that have reached a function's configuration space. */
export const widthsInTrace = (board: Board, bdf: string): number[] => [
  ...new Set(
    board.trace.entries.flatMap(({ from, space, size }) =>
      from === bdf && space === 'config' && size !== undefined ? [size] : [],
    ),
  ),
]
