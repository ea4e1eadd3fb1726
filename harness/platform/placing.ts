// SPDX-License-Identifier: Apache-2.0
/** Which bus everything of a board sits on. */
import { HostProblem } from '../../images/index.ts'
import { PciFunction, RootComplex } from '../pci/index.ts'
import { type Device, slotOf, transportOf } from './device.ts'
import type { PlannedModel } from './modelled.ts'
import type { BoardDevice, BoardOptions } from './plan.ts'

export interface Placing {
  /** QEMU's own. */
  emulated: Device[]
  /** On QEMU's bridge. */
  functions: PciFunction[]
  rootComplexes: RootComplex[]
  models: PlannedModel[]
  /** Whether the guest is told of QEMU's bridge. */
  bridge: boolean
}

/** The slots of QEMU's bus whose functions stand for root complexes: the guest is not told of that bus. */
const ROOT_COMPLEX_SLOTS = [0x1e, 0x1d, 0x1c, 0x1b]

const isEmulated = (device: BoardDevice): device is Device =>
  !(device instanceof PciFunction || device instanceof RootComplex)

/** The devices among some values that are for the board itself: not those behind a root complex that is among them. */
export function devicesIn(values: Record<string, unknown>): BoardDevice[] {
  const devices = Object.values(values).filter(isDevice)
  const behind = devices.flatMap((device) => (device instanceof RootComplex ? device.functions : []))
  return devices.filter((device) => !behind.some((fn) => fn === device))
}

const isDevice = (value: unknown): value is BoardDevice =>
  value instanceof PciFunction ||
  value instanceof RootComplex ||
  (typeof value === 'object' && value !== null && 'at' in value && 'model' in value && 'before' in value)

/**
 * Sorts a board's devices.
 *
 * @throws HostProblem for what cannot be on one board.
 */
export function placeDevices({ devices = [], later = [], bridge }: BoardOptions): Placing {
  const rootComplexes = devices.filter((device) => device instanceof RootComplex)
  const functions = devices.filter((device) => device instanceof PciFunction)
  const emulated = devices.filter(isEmulated)
  const onBridge = [...functions, ...[...emulated, ...later].filter((device) => !isTransport(device))]
  if (rootComplexes.length > 0 && (onBridge.length > 0 || bridge)) {
    const them = onBridge.map(({ at }) => at).join(', ') || 'the bridge'
    throw new HostProblem(
      `${them} would be on QEMU's host bridge, and ${rootComplexes.map(({ name }) => name).join(', ')} takes its place`,
      'Put modelled functions behind the modelled root complex, or leave that out.',
    )
  }
  if (rootComplexes.length > ROOT_COMPLEX_SLOTS.length) {
    throw new HostProblem(
      `${rootComplexes.length} root complexes: a board has room for ${ROOT_COMPLEX_SLOTS.length}`,
      'Ask for fewer.',
    )
  }
  return {
    emulated,
    functions,
    rootComplexes,
    models: [
      ...functions.map((model) => ({ model, ...slotOf(model) })),
      ...rootComplexes
        .map((model, index) => ({ model, bus: 'pcie.0', addr: rootComplexAddress(index) }))
        .filter(({ model }) => model.answered),
    ],
    bridge: bridge ?? onBridge.length > 0,
  }
}

const isTransport = (device: BoardDevice): boolean =>
  isEmulated(device) && transportOf(device.at) !== undefined

const rootComplexAddress = (index: number): string => `${(ROOT_COMPLEX_SLOTS[index] ?? 0).toString(16)}.0`

/** The slot, whose number says which interrupt line QEMU gives it. */
export const rootComplexSlot = (index: number): number => ROOT_COMPLEX_SLOTS[index] ?? 0
