// SPDX-License-Identifier: Apache-2.0
/** INTx: a level, on a line that functions share. On `virt`, and routed by Xen to a domU that has no other interrupts for its functions. */
import {
  EndpointTest,
  type EndpointTestOptions,
  expect,
  type PlatformName,
  scenario,
} from '../../harness/index.ts'
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
  STATUS,
  STATUS_READ,
  WITHOUT_MSI,
} from './interrupts-under-test.ts'

/** The slot that shares its line with slot 3: QEMU's bridge has four lines. */
const SHARING = '00:07.0'

const testFunction = (options: Partial<EndpointTestOptions> = {}): EndpointTest =>
  new EndpointTest({ at: AT, ...WITHOUT_MSI.ids, ...options })

const EVERYWHERE: PlatformName[] = ['virt', 'xen']
const withIntx = { drivers: [KEYS], board: { bootargs: WITHOUT_MSI.bootargs } }

for (const { place, put } of PLACES) {
  scenario(
    `INTx of a function ${place} arrives each time`,
    { ...withIntx, platform: EVERYWHERE, devices: () => put(testFunction()) },
    async ({ board }) => {
      await enableBridge(board)
      expect(await interruptsOf(board, 0)).toEqual([
        { count: 0, chip: 'GICv3', handlers: ['pci-endpoint-test.0'] },
      ])
      for (let time = 1; time <= 3; time++) {
        expect(await endpointTest(board, 0, 'intx')).toBe(true)
        expect(await countsOf(board, 0)).toEqual([time])
      }
    },
  )

  scenario(
    `INTx of a function ${place} is a level: it interrupts until the function takes it back`,
    { ...withIntx, platform: EVERYWHERE, devices: () => put(testFunction({ readsUntilServed: 5 })) },
    async ({ board }) => {
      await enableBridge(board)
      expect(await endpointTest(board, 0, 'intx')).toBe(true)
      await expect(board).toTrace({ from: AT, what: 'interrupt', note: 'deasserted' })
      expect(await countsOf(board, 0)).toEqual([5])
    },
  )
}

scenario(
  'a message is no level: it interrupts once, however long the function waits to be served',
  {
    platform: 'virt',
    drivers: [KEYS],
    devices: () => ({ fn: new EndpointTest({ at: AT, readsUntilServed: 5 }) }),
  },
  async ({ board }) => {
    await enableBridge(board)
    expect(await endpointTest(board, 0, 'msi', 1)).toBe(true)
    expect(await endpointTest(board, 0, 'msi', 2)).toBe(true)
    expect(await countsOf(board, 0)).toEqual([1, 1, 0, 0])
  },
)

scenario(
  'functions that share a line are both asked, whoever asserts it',
  {
    ...withIntx,
    platform: EVERYWHERE,
    devices: () => ({ fn: testFunction(), sharing: testFunction({ at: SHARING }) }),
  },
  async ({ board }) => {
    await enableBridge(board)
    const asked = (at: string) =>
      board.trace.entries.filter(
        ({ from, what, space, address }) =>
          from === at &&
          what === STATUS_READ.what &&
          space === STATUS_READ.space &&
          address === STATUS_READ.address,
      ).length
    expect(await endpointTest(board, 0, 'intx')).toBe(true)
    expect(await endpointTest(board, 1, 'intx')).toBe(true)
    expect(await interruptsOf(board, 0)).toEqual([
      { count: 2, chip: 'GICv3', handlers: ['pci-endpoint-test.0', 'pci-endpoint-test.1'] },
    ])
    expect([asked(AT), asked(SHARING)]).toEqual([2, 2])
  },
)

scenario(
  'the line stays asserted until the last function that shares it takes its own back',
  {
    ...withIntx,
    platform: 'virt',
    devices: () => ({
      quick: testFunction(),
      slow: testFunction({ at: SHARING, readsUntilServed: 10 }),
    }),
  },
  async ({ board, devices: { quick, slow } }) => {
    await enableBridge(board)
    quick.raiseIntx()
    slow.raiseIntx()
    await expect(board).toTrace({ from: AT, what: 'interrupt', note: 'deasserted' })
    await expect(board).toTrace({ from: SHARING, what: 'interrupt', note: 'deasserted' })
    const [count = 0] = await countsOf(board, 0)
    // Each time both were asked; one more may have been on its way for the quick one when it was served with the slow one's first.
    expect(count).toBeGreaterThanOrEqual(10)
    expect(count).toBeLessThanOrEqual(11)
    expect([quick.intx, slow.intx]).toEqual([false, false])
  },
)

for (const { place, put } of PLACES) {
  scenario(
    `INTx Disable holds back INTx of a function ${place}, and Status shows it`,
    {
      ...withIntx,
      platform: EVERYWHERE,
      devices: () => {
        const fn = testFunction()
        return { ...put(fn), fn }
      },
    },
    async ({ board, devices: { fn } }) => {
      const seen = board.domain().pci(AT)
      await enableBridge(board)
      await changeCommand(board, AT, { set: COMMAND.intxDisable })

      fn.raiseIntx()
      expect((await seen.readConfig(STATUS.offset, 2)) & STATUS.interrupt).toBe(STATUS.interrupt)
      expect(await countsOf(board, 0)).toEqual([0])

      await changeCommand(board, AT, { clear: COMMAND.intxDisable })
      await expect(board).toTrace({ from: AT, what: 'interrupt', note: 'deasserted' })
      expect(await countsOf(board, 0)).toEqual([1])
      expect((await seen.readConfig(STATUS.offset, 2)) & STATUS.interrupt).toBe(0)
    },
  )
}

scenario(
  'a domU has no controller for messages: a driver that wants MSI does not bind',
  { platform: 'xen', drivers: [KEYS], devices: () => ({ fn: new EndpointTest({ at: AT }) }) },
  async ({ board }) => {
    await enableBridge(board)
    await expect(board.domain().console).toPrintInOrder([
      /pci-endpoint-test 0000:00:03\.0: Failed to get MSI interrupts/,
      /pci-endpoint-test 0000:00:03\.0: probe with driver pci-endpoint-test failed with error -22/,
    ])
  },
)
