// SPDX-License-Identifier: Apache-2.0
/** MSI and MSI-X through both controllers, from a function on QEMU's bridge and from one behind a modelled root complex. */
import { type BoardOptions, EndpointTest, expect, scenario } from '../../harness/index.ts'
import {
  AT,
  COMMAND,
  changeCommand,
  countsOf,
  enableBridge,
  endpointTest,
  interruptsOf,
  KEYS,
  PLACES,
} from './interrupts-under-test.ts'

const CONTROLLERS: { msi: NonNullable<BoardOptions['msi']>; name: string; chip: string }[] = [
  { msi: 'its', name: 'the ITS', chip: 'ITS-PCI' },
  { msi: 'gicv2m', name: 'GICv2m', chip: 'GICv2m-PCI' },
]

for (const { msi, name, chip } of CONTROLLERS) {
  for (const { place, put } of PLACES) {
    scenario(
      `every vector of MSI and MSI-X of a function ${place} arrives through ${name}`,
      { platform: 'virt', drivers: [KEYS], board: { msi }, devices: () => put(new EndpointTest({ at: AT })) },
      async ({ board }) => {
        await enableBridge(board)
        for (const { type, vectors } of [
          { type: 'msi', vectors: 4 },
          { type: 'msix', vectors: 8 },
        ]) {
          expect(await endpointTest(board, 0, 'set-irqtype', type)).toBe(true)
          const chips = (await interruptsOf(board, 0)).map((interrupt) => interrupt.chip)
          expect(chips).toEqual(Array(vectors).fill(`${chip}-${type.toUpperCase()}-0000:${AT}`))

          for (let vector = 1; vector <= vectors; vector++) {
            expect(await endpointTest(board, 0, type, vector)).toBe(true)
          }
          expect(await countsOf(board, 0)).toEqual(Array(vectors).fill(1))
        }
      },
    )
  }
}

for (const { place, put } of PLACES) {
  scenario(
    `DMA of a function ${place} ends with a message behind the data`,
    { platform: 'virt', drivers: [KEYS], devices: () => put(new EndpointTest({ at: AT })) },
    async ({ board }) => {
      await enableBridge(board)
      // The driver looks at the data as soon as it is interrupted.
      for (const size of [1, 4096, 100_001]) {
        for (const transfer of ['read', 'write', 'copy']) {
          expect.soft(await endpointTest(board, 0, transfer, size), `${transfer} of ${size} bytes`).toBe(true)
        }
      }
      expect(await countsOf(board, 0)).toEqual([9, 0, 0, 0])
    },
  )

  scenario(
    `a function ${place} that may not be bus master sends no message`,
    { platform: 'virt', drivers: [KEYS], devices: () => put(new EndpointTest({ at: AT })) },
    async ({ board }) => {
      await enableBridge(board)
      await changeCommand(board, AT, { clear: COMMAND.busMaster })
      expect(await endpointTest(board, 0, 'msi', 1)).toBe(false)
      await expect(board).toTrace({ from: AT, what: 'interrupt', note: 'Bus Master Enable is off' })

      await changeCommand(board, AT, { set: COMMAND.busMaster })
      expect(await endpointTest(board, 0, 'msi', 1)).toBe(true)
      expect(await countsOf(board, 0)).toEqual([1, 0, 0, 0])
    },
  )
}
