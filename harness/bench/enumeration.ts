// SPDX-License-Identifier: Apache-2.0
/** What it takes a guest to enumerate a full bus: functions written in TypeScript beside QEMU's own. */
import { join } from 'node:path'
import { HostProblem, type Images } from '../../images/index.ts'
import { PciFunction, RootComplex, registerBar } from '../pci/index.ts'
import { type Board, type BoardDevice, type Device, obtainBoard } from '../platform/index.ts'
import { printed } from './printed.ts'

/** Four slots with eight functions each. */
export const FUNCTIONS = 32
const BDFS = Array.from({ length: FUNCTIONS }, (_, index) => ({
  at: `00:0${1 + (index >> 3)}.${index & 7}` as const,
  multifunction: (index & 7) === 0,
}))

/** QEMU's `pci-testdev`: two BARs, no capabilities, and no driver that binds to it. */
const emulated = (): Device[] =>
  BDFS.map(({ at, multifunction }) => ({
    ...{ at, model: 'pci-testdev', virtio: false, backend: undefined, before: [] },
    properties: { multifunction },
  }))

/** The same in TypeScript, but that its second BAR is memory: the model has no I/O space. */
const modelled = (): PciFunction[] =>
  BDFS.map(
    (place) =>
      new PciFunction({
        ...{ ...place, vendor: 0x1b36, device: 0x0005, class: 0x00ff00 },
        bars: { 0: registerBar({ size: 4096 }), 1: registerBar({ size: 256 }) },
      }),
  )

/** Who serves the bus. */
const BUSES = {
  native: emulated,
  /** Each function a vfio-user device of QEMU's, on QEMU's bridge. */
  functions: modelled,
  /** The whole bridge is served, configuration space and all. */
  rootComplex: () => [new RootComplex({ functions: modelled(), hostBridge: false })],
} satisfies Record<string, () => BoardDevice[]>

export type BusKind = keyof typeof BUSES

/** ms from the toggle's arrival until the last function is there with its BARs placed, by round: on the guest's own clock. */
export type EnumerationTimes = Record<BusKind, number[]>

const TOGGLE = '/pcie@10000000'
const BEGIN = `pseudo-hotplug: got key '4'`
const END = `pseudo-hotplug: enable ${TOGGLE}`

/**
 * Each on a board of its own, restored from one snapshot; what goes first changes with every round. The very first round is not counted: code that has
 * not run before is compiled in it.
 */
export async function measureEnumeration(options: {
  images: Images
  dir: string
  rounds: number
}): Promise<EnumerationTimes> {
  const times: EnumerationTimes = { native: [], functions: [], rootComplex: [] }
  const kinds = Object.keys(BUSES) as BusKind[]
  for (let round = 0; round <= options.rounds; round++) {
    const turn = round % kinds.length
    for (const kind of [...kinds.slice(turn), ...kinds.slice(0, turn)]) {
      const dir = join(options.dir, 'enumeration', `${round + 1}-${kind}`)
      const board = await obtainBoard('virt', { images: options.images, dir, devices: BUSES[kind]() })
      try {
        const time = await enumerate(board)
        if (round > 0) times[kind].push(time)
      } finally {
        await board.stop()
      }
    }
  }
  return times
}

async function enumerate(board: Board): Promise<number> {
  const guest = board.domain()
  await guest.loadDriver('pseudo-hotplug', { keys: `4+${TOGGLE}` })
  await guest.sysrq('4')
  await printed(board, guest.console, END)
  const found = new Set(
    guest.console.lines.flatMap(({ text }) => /pci (\S+): \[1b36:0005\]/.exec(text)?.[1] ?? []),
  )
  if (found.size !== FUNCTIONS) {
    throw new HostProblem(
      `the guest has found ${found.size} functions of ${FUNCTIONS}`,
      `See console-${guest.name}.log in ${board.dir} (guestrig bench --out DIR keeps it).`,
    )
  }
  return stampOf(board, END) - stampOf(board, BEGIN)
}

/** The guest's time of the line with `text`, ms: `[    2.363497] text`. */
function stampOf(board: Board, text: string): number {
  const line = board.domain().console.lines.find((candidate) => candidate.text.includes(text))
  return 1000 * Number(/^\[ *(\d+\.\d+)\]/.exec(line?.text ?? '')?.[1])
}
