// SPDX-License-Identifier: Apache-2.0
/**
 * "There's no way to protect the MSI doorbells from mal-configured end-points raising malicious EventIDs": what a function can do that
 * writes messages which it was not given.
 *
 * A model's own DMA carries no requester ID (QEMU's `pci_dma_write`): to the ITS it comes from DeviceID 0.
 */
import { type Board, EndpointTest, expect, RootComplex, scenario } from '../../harness/index.ts'
import { countsOf, enableBridge, endpointTest, KEYS, STATUS_READ } from './interrupts-under-test.ts'

const MINE = '00:03.0'
const THEIRS = '00:04.0'
/** Of the driver's devices, in the order of the functions. */
const [mine, theirs] = [0, 1]

/** GITS_TRANSLATER of QEMU's ITS, and MSI_SETSPI_NS of its GICv2m frame. */
const DOORBELL = { its: 0x0809_0040, gicv2m: 0x0802_0040 } as const

const onBridge = () => ({
  culprit: new EndpointTest({ at: MINE }),
  victim: new EndpointTest({ at: THEIRS }),
})

const behindRootComplex = () => {
  const functions = onBridge()
  return { root: new RootComplex({ functions: Object.values(functions) }), ...functions }
}

/** What the guest has told a function to write for an interrupt. */
function messageOf(fn: EndpointTest, vector = 0): { address: number; data: Buffer } {
  const message = fn.message(vector)
  expect(message, `the guest has not enabled vector ${vector} of ${fn.at}`).toBeDefined()
  return message as NonNullable<typeof message>
}

const word = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(value)
  return bytes
}

/** Both functions still work. A message of their own that arrives comes behind all that were written before. */
async function expectUnharmed(board: Board): Promise<void> {
  expect(await endpointTest(board, mine, 'msi', 1)).toBe(true)
  expect(await endpointTest(board, theirs, 'msi', 1)).toBe(true)
}

scenario(
  'with GICv2m a function rings for another, and the guest cannot tell',
  { platform: 'virt', drivers: [KEYS], board: { msi: 'gicv2m' }, devices: onBridge },
  async ({ board, devices: { culprit, victim } }) => {
    await enableBridge(board)
    const { address, data } = messageOf(victim, 2)
    expect(address).toBe(DOORBELL.gicv2m)

    await culprit.dma.write(address, data)

    // The victim's driver asks the victim, which knows of nothing.
    await expect(board).toTrace({ from: THEIRS, ...STATUS_READ, value: '0' })
    expect(await countsOf(board, theirs)).toEqual([0, 0, 1, 0])
    expect(await countsOf(board, mine)).toEqual([0, 0, 0, 0])
    expect(board.trace.entries.filter(({ what }) => what === 'interrupt')).toEqual([])
  },
)

scenario(
  'with GICv2m a function rings at no interrupt outside the frame',
  { platform: 'virt', drivers: [KEYS], board: { msi: 'gicv2m' }, devices: onBridge },
  async ({ board, devices: { culprit } }) => {
    await enableBridge(board)
    expect(await endpointTest(board, theirs, 'set-irqtype', 'intx')).toBe(true)

    // All that are no SPI of the frame's 64, among them the victim's line: 32 + 3 + (slot 4 mod 4).
    for (let id = 0; id < 80; id++) await culprit.dma.write(DOORBELL.gicv2m, word(id))

    expect(await endpointTest(board, theirs, 'intx')).toBe(true)
    expect(await countsOf(board, theirs)).toEqual([1])
    expect(await endpointTest(board, mine, 'msi', 1)).toBe(true)
    expect(await countsOf(board, mine)).toEqual([1, 0, 0, 0])
  },
)

scenario(
  'the ITS takes no message from a device that it was not told of',
  { platform: 'virt', drivers: [KEYS], devices: onBridge },
  async ({ board, devices: { culprit, victim } }) => {
    await enableBridge(board)
    expect(messageOf(culprit).address).toBe(DOORBELL.its)
    // Device by device the EventIDs count from 0: the culprit's own and the victim's are the same.
    expect(messageOf(culprit, 2)).toEqual(messageOf(victim, 2))

    for (const event of [0, 1, 2, 3, 31, 32, 0xffff, 0x1_0000, 0xffff_ffff]) {
      await culprit.dma.write(DOORBELL.its, word(event))
    }

    await expectUnharmed(board)
    expect(await countsOf(board, mine)).toEqual([1, 0, 0, 0])
    expect(await countsOf(board, theirs)).toEqual([1, 0, 0, 0])
  },
)

scenario(
  'the ITS takes no event that nobody asked for, and cannot tell functions apart that share a DeviceID',
  { platform: 'virt', drivers: [KEYS], devices: behindRootComplex },
  async ({ board, devices: { culprit, victim } }) => {
    await enableBridge(board)
    // The functions behind a modelled root complex are one device to the ITS; their EventIDs differ.
    const own = [0, 1, 2, 3].map((vector) => messageOf(culprit, vector).data.readUInt32LE())
    const others = [0, 1, 2, 3].map((vector) => messageOf(victim, vector).data.readUInt32LE())
    expect(new Set([...own, ...others]).size).toBe(8)

    for (const event of [...Array(64).keys(), 0xffff, 0xffff_ffff]) {
      if (!own.includes(event) && !others.includes(event)) await culprit.dma.write(DOORBELL.its, word(event))
    }
    await expectUnharmed(board)
    expect(await countsOf(board, mine)).toEqual([1, 0, 0, 0])
    expect(await countsOf(board, theirs)).toEqual([1, 0, 0, 0])

    await culprit.dma.write(DOORBELL.its, messageOf(victim, 2).data)
    expect(await endpointTest(board, theirs, 'msi', 4)).toBe(true)
    expect(await countsOf(board, theirs)).toEqual([1, 0, 1, 1])
  },
)
