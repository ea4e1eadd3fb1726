// SPDX-License-Identifier: Apache-2.0
/** What the scenarios of this folder share: how the functions come to be bound to `pci_endpoint_test`, its tests, and the guest's counts. */
import { type Board, type EndpointTest, expect, RootComplex } from '../../harness/index.ts'

/** Key 4 enables the bridge's node, under both of its paths. */
export const KEYS = {
  name: 'pseudo-hotplug',
  parameters: { keys: '4+/pcie@10000000', prefix: '/passthrough' },
}

/** The function under test. */
export const AT = '00:03.0'

/** Where it is. */
export const PLACES = [
  { place: 'on QEMU’s bridge', put: (fn: EndpointTest) => ({ fn }) },
  {
    place: 'behind a modelled root complex',
    put: (fn: EndpointTest) => ({ root: new RootComplex({ functions: [fn] }) }),
  },
]

/** Enables the bridge's node; its functions have been probed then. */
export async function enableBridge(board: Board): Promise<void> {
  const guest = board.domain()
  await guest.sysrq('4')
  await expect(guest.console).toPrint(/pseudo-hotplug: enable .*\/pcie@10000000$/)
}

/** For a board without MSI: `pci_endpoint_test` takes a function with these IDs also with INTx, when its argument says so. */
export const WITHOUT_MSI = {
  ids: { vendor: 0x16c3, device: 0xedda },
  bootargs: 'pci_endpoint_test.irq_type=0',
} as const

/**
 * One test of the driver's, on its device number `device`: what it found. A message that does not come is missed after one second of the
 * guest's.
 */
export async function endpointTest(
  board: Board,
  device: number,
  ...words: (string | number)[]
): Promise<boolean> {
  const argv = ['guestrig-pci', 'endpoint-test', ...[device, ...words].map(String)]
  const { status, stdout, stderr } = await board.domain().run(argv, { mayFail: true })
  // 0 and 1 are the driver's verdicts; else there was none, since the driver has no such device.
  expect([0, 1], `${argv.join(' ')}: ${stderr}`).toContain(status)
  return (JSON.parse(stdout) as { passed: boolean }).passed
}

interface Interrupt {
  /** How often it came, on all processors. */
  count: number
  /** Its controller's name for it: `GICv3`, `ITS-PCI-MSI-0000:00:03.0`. */
  chip: string
  /** The drivers' names for it. */
  handlers: string[]
}

/** The interrupts that a driver's device has asked for, as the guest counts them, in the order of their vectors. */
export async function interruptsOf(board: Board, device: number): Promise<Interrupt[]> {
  const [head = '', ...lines] = (await board.domain().read('/proc/interrupts')).split('\n')
  const processors = head.trim().split(/\s+/).length
  return lines
    .map((line): Interrupt => {
      const [, ...words] = line.trim().split(/\s+/)
      const counts = words.slice(0, processors).map(Number)
      const [chip = '', , , ...handlers] = words.slice(processors)
      return {
        count: counts.reduce((sum, count) => sum + count, 0),
        chip,
        handlers: handlers.map((handler) => handler.replace(',', '')),
      }
    })
    .filter(({ handlers }) => handlers.includes(`pci-endpoint-test.${device}`))
}

export const countsOf = async (board: Board, device: number): Promise<number[]> =>
  (await interruptsOf(board, device)).map(({ count }) => count)

/** The status register: the driver's handler reads it first of all. */
export const STATUS_READ = { what: 'read', space: 'bar0', address: 8 } as const

/** Bits of Command and Status (PCI Express Base Specification 6.0, sections 7.5.1.1.3 and 7.5.1.1.4). */
export const COMMAND = { offset: 4, busMaster: 0x4, intxDisable: 0x400 } as const
export const STATUS = { offset: 6, interrupt: 0x8 } as const

/** Changes bits of a function's Command, as the guest. */
export async function changeCommand(
  board: Board,
  bdf: string,
  bits: { set?: number; clear?: number },
): Promise<void> {
  const fn = board.domain().pci(bdf)
  const before = await fn.readConfig(COMMAND.offset, 2)
  await fn.writeConfig(COMMAND.offset, 2, (before & ~(bits.clear ?? 0)) | (bits.set ?? 0))
}
