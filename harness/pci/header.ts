// SPDX-License-Identifier: Apache-2.0
/** The registers of a function's header, and where its capabilities stand (PCI Express Base Specification 6.0, sections 7.5.1, 7.6). */
import { type Bar, checkBar } from './bar.ts'
import type { Capability } from './capabilities.ts'
import type { ConfigSpace, Register } from './config-space.ts'

/** Offsets of registers that the model itself looks at (section 7.5.1.1). */
export const OFFSET = {
  vendor: 0x00,
  command: 0x04,
  status: 0x06,
  headerType: 0x0e,
  bar0: 0x10,
  capabilities: 0x34,
  interruptPin: 0x3d,
} as const

/** Bits of Command, Status and Header Type. */
export const COMMAND = { memory: 2, busMaster: 4, intxDisable: 0x400 } as const
export const STATUS = { interrupt: 8, capabilities: 0x10 } as const
export const HEADER_TYPE = { multifunction: 0x80 } as const

const CAPABILITIES = 0x40
const EXTENDED = 0x100

export interface Identity {
  /** Vendor and device ID. */
  vendor: number
  device: number
  /** Base class, sub-class, programming interface: 0x020000 is an Ethernet controller. */
  class: number
  revision?: number
  subsystemVendor?: number
  subsystem?: number
  /** 1 for INTA# to 4 for INTD#; 0, the default, for none. */
  interruptPin?: 0 | 1 | 2 | 3 | 4
  /** There may be functions 1 to 7 in the same device. */
  multifunction?: boolean
}

/** What header types 0 and 1 have in common. */
export function commonHeader(identity: Identity, type: 0 | 1): Register[] {
  const { vendor, device, revision = 0, interruptPin = 0, multifunction = false } = identity
  return [
    { name: 'Vendor ID', offset: 0x00, width: 2, reset: vendor },
    { name: 'Device ID', offset: 0x02, width: 2, reset: device },
    { name: 'Command', offset: OFFSET.command, width: 2, writable: 0x0546 },
    { name: 'Status', offset: OFFSET.status, width: 2, clearedByOne: 0xf900 },
    { name: 'Revision ID', offset: 0x08, width: 1, reset: revision },
    { name: 'Programming Interface', offset: 0x09, width: 1, reset: identity.class & 0xff },
    { name: 'Class Code', offset: 0x0a, width: 2, reset: identity.class >> 8 },
    { name: 'Cache Line Size', offset: 0x0c, width: 1, writable: 0xff },
    {
      ...{ name: 'Header Type', offset: OFFSET.headerType, width: 1 as const },
      reset: type | (multifunction ? HEADER_TYPE.multifunction : 0),
    },
    { name: 'Interrupt Line', offset: 0x3c, width: 1, writable: 0xff },
    { name: 'Interrupt Pin', offset: OFFSET.interruptPin, width: 1, reset: interruptPin },
  ]
}

/** What only header type 0 has. */
export function endpointHeader(identity: Identity): Register[] {
  const { subsystemVendor = identity.vendor, subsystem = identity.device } = identity
  return [
    { name: 'Subsystem Vendor ID', offset: 0x2c, width: 2, reset: subsystemVendor },
    { name: 'Subsystem ID', offset: 0x2e, width: 2, reset: subsystem },
  ]
}

/** Base address registers: the bits below the size read as zero, which is how software finds the size. */
export function barRegisters(bars: ReadonlyMap<number, Bar>): Register[] {
  return [...bars].flatMap(([index, bar]): Register[] => {
    checkBar(index, bar)
    if (bars.has(index - 1) && bars.get(index - 1)?.wide)
      throw new RangeError(`BAR ${index} is the upper half of a wide one`)
    const offset = OFFSET.bar0 + 4 * index
    const flags = (bar.wide ? 4 : 0) | (bar.prefetchable ? 8 : 0)
    const low = bar.size > 2 ** 31 ? 0 : (0xffff_ffff & ~(bar.size - 1)) >>> 0
    const lower: Register = { name: `BAR ${index}`, offset, width: 4, reset: flags, writable: low }
    if (!bar.wide) return [lower]
    const high = bar.size > 2 ** 32 ? (0xffff_ffff & ~(bar.size / 2 ** 32 - 1)) >>> 0 : 0xffff_ffff
    return [lower, { name: `BAR ${index + 1}`, offset: offset + 4, width: 4, writable: high }]
  })
}

/** Where each capability stands, by its place in the list. */
export function placeCapabilities(config: ConfigSpace, capabilities: readonly Capability[]): number[] {
  const next = { standard: CAPABILITIES, extended: EXTENDED }
  const places = capabilities.map(({ kind, at, length }) => {
    const place = at ?? next[kind]
    next[kind] = Math.max(next[kind], (place + length + 3) & ~3)
    return place
  })
  const chain = (kind: Capability['kind']) =>
    capabilities
      .map((capability, index) => ({ capability, place: places[index] as number }))
      .filter(({ capability }) => capability.kind === kind)
      .sort((a, b) => a.place - b.place)
  const standard = chain('standard')
  for (const [index, { capability, place }] of standard.entries()) {
    check(capability, place, standard[index + 1]?.place, CAPABILITIES, 0x100)
    config.add([
      { name: 'Capability ID', offset: place, width: 1, reset: capability.id },
      { name: 'Next Capability', offset: place + 1, width: 1, reset: standard[index + 1]?.place ?? 0 },
    ])
    config.add(capability.registers, place)
  }
  const extended = chain('extended')
  if (extended.length > 0 && extended[0]?.place !== EXTENDED) {
    throw new RangeError('the first extended capability stands at 0x100')
  }
  for (const [index, { capability, place }] of extended.entries()) {
    check(capability, place, extended[index + 1]?.place, EXTENDED, config.size)
    const following = extended[index + 1]?.place ?? 0
    const header = (capability.id | ((capability.version ?? 1) << 16) | (following << 20)) >>> 0
    config.add([{ name: 'Extended Capability Header', offset: place, width: 4, reset: header }])
    config.add(capability.registers, place)
  }
  if (standard.length > 0) {
    config.add([
      { name: 'Status', offset: OFFSET.status, width: 2, reset: STATUS.capabilities, clearedByOne: 0xf900 },
      { name: 'Capabilities Pointer', offset: OFFSET.capabilities, width: 1, reset: standard[0]?.place ?? 0 },
    ])
  }
  return places
}

/** The table and the pending bits of MSI-X are in a BAR that there is, or the emulator does not take the function. */
export function checkMsix({ msix }: Capability, bars: ReadonlyMap<number, Bar>): void {
  if (!msix) return
  const { vectors, bar, table, pending } = msix
  const [tableEnd, pendingEnd] = [table + 16 * vectors, pending + 8 * Math.ceil(vectors / 64)]
  const size = bars.get(bar)?.size ?? 0
  if (tableEnd > size || pendingEnd > size) {
    throw new RangeError(
      `MSI-X with ${vectors} vectors needs ${Math.max(tableEnd, pendingEnd)} bytes of BAR ${bar}, which has ${size}`,
    )
  }
  if (table < pendingEnd && pending < tableEnd)
    throw new RangeError('the table and the pending bits of MSI-X overlap')
}

/** Bytes of a capability's own header: ID and next pointer (sections 7.5.3.1, 7.6.3). */
const HEADER_LENGTH = { standard: 2, extended: 4 } as const

function check(
  { id, kind, length, registers }: Capability,
  place: number,
  following: number | undefined,
  first: number,
  end: number,
): void {
  const name = `capability 0x${id.toString(16)} at 0x${place.toString(16)}`
  if (place % 4 !== 0) throw new RangeError(`${name}: capabilities stand at multiples of 4`)
  if (place < first || place + length > Math.min(following ?? end, end)) {
    throw new RangeError(`${name}: its ${length} bytes do not fit there`)
  }
  for (const register of registers) {
    if (register.offset < HEADER_LENGTH[kind] || register.offset + register.width > length)
      throw new RangeError(
        `${name}: the register ${register.name} at 0x${register.offset.toString(16)} is not within its ${length} bytes`,
      )
  }
}
