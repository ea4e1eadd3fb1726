// SPDX-License-Identifier: Apache-2.0
/**
 * Capabilities as builders. Sections are those of the PCI Express Base Specification 6.0. Offsets inside a capability count from its own
 * header; where it stands in the configuration space is the function's business.
 */
import type { Register } from './config-space.ts'

export interface Capability {
  /** Extended ones (section 7.6) stand from 0x100 on. */
  kind: 'standard' | 'extended'
  id: number
  /** Of an extended capability's header. */
  version?: number
  /** Bytes, the header included. */
  length: number
  /** The registers behind the header. */
  registers: Register[]
  /** Where it must stand; default: behind the one before. */
  at?: number
  /** What the function itself must know of it. */
  msi?: { vectors: number }
  msix?: MsixPlace
}

/** Where the table and the pending bits of MSI-X are: BAR and byte offset. */
export interface MsixPlace {
  vectors: number
  bar: number
  table: number
  pending: number
}

/** Capability IDs (sections 7.5.3.1, 7.5.2.1, 7.7.1.1, 7.7.2.1, 7.9.4). */
const ID = { powerManagement: 0x01, msi: 0x05, vendorSpecific: 0x09, pciExpress: 0x10, msix: 0x11 } as const
/** Extended capability IDs (sections 7.9.3, 7.9.5, 7.9.6). */
const EXTENDED_ID = {
  serialNumber: 0x0003,
  vendorSpecific: 0x000b,
  designatedVendorSpecific: 0x0023,
} as const

/** Device/Port Type of the PCI Express Capabilities register, table 7-17. */
const PORT_TYPE = {
  endpoint: 0,
  'legacy-endpoint': 1,
  'root-port': 4,
  'root-complex-endpoint': 9,
} as const

export interface PciExpressOptions {
  type?: keyof typeof PORT_TYPE
  /** Registers in place of the usual ones, by their offset. */
  registers?: Register[]
}

/** PCI Express capability (section 7.5.3), version 2. */
export function pciExpress(options: PciExpressOptions = {}): Capability {
  const type = PORT_TYPE[options.type ?? 'endpoint']
  const slot = options.registers?.some(({ offset }) => offset === 0x14) ?? false
  const registers: Register[] = [
    { name: 'PCI Express Capabilities', offset: 0x02, width: 2, reset: 2 | (type << 4) | (slot ? 0x100 : 0) },
    // Role-based error reporting; function-level reset is not offered.
    { name: 'Device Capabilities', offset: 0x04, width: 4, reset: 0x8000 },
    { name: 'Device Control', offset: 0x08, width: 2, reset: 0x2810, writable: 0x7fff },
    { name: 'Device Status', offset: 0x0a, width: 2, clearedByOne: 0xf },
    { name: 'Link Capabilities', offset: 0x0c, width: 4, reset: 0x11 },
    { name: 'Link Control', offset: 0x10, width: 2, writable: 0xfff },
    { name: 'Link Status', offset: 0x12, width: 2, reset: 0x11 },
    { name: 'Device Capabilities 2', offset: 0x24, width: 4 },
    { name: 'Device Control 2', offset: 0x28, width: 2, writable: 0xffff },
    { name: 'Link Control 2', offset: 0x30, width: 2, reset: 1, writable: 0xffff },
  ]
  const own = options.registers ?? []
  return {
    kind: 'standard',
    id: ID.pciExpress,
    length: 0x3c,
    registers: [...registers.filter(({ offset }) => own.every((other) => other.offset !== offset)), ...own],
  }
}

export const isPciExpress = ({ kind, id }: Capability): boolean => kind === 'standard' && id === ID.pciExpress

/** Power management (section 7.5.2): D0 and D3hot, no PME. `changed` gets the new state, 0 to 3. */
export function powerManagement(changed?: (state: number) => void): Capability {
  const registers: Register[] = [
    { name: 'Power Management Capabilities', offset: 2, width: 2, reset: 0x0003 },
    {
      // No_Soft_Reset: coming back from D3hot keeps the function's state.
      ...{ name: 'Power Management Control/Status', offset: 4, width: 2, reset: 8, writable: 3 },
      onWrite: ({ value, previous }) => {
        if ((value & 3) !== (previous & 3)) changed?.(value & 3)
      },
    },
  ]
  return { kind: 'standard', id: ID.powerManagement, length: 8, registers }
}

/** MSI with 64-bit addresses (section 7.7.1): 1, 2, 4, 8, 16 or 32 vectors. */
export function msi({ vectors = 1 }: { vectors?: number } = {}): Capability {
  const log = Math.log2(vectors)
  if (!Number.isInteger(log) || log < 0 || log > 5)
    throw new RangeError(`MSI has 1, 2, 4, 8, 16 or 32 vectors, not ${vectors}`)
  const registers: Register[] = [
    { name: 'Message Control', offset: 2, width: 2, reset: 0x80 | (log << 1), writable: 0x71 },
    { name: 'Message Address', offset: 4, width: 4, writable: 0xffff_fffc },
    { name: 'Message Upper Address', offset: 8, width: 4, writable: 0xffff_ffff },
    { name: 'Message Data', offset: 0xc, width: 2, writable: 0xffff },
  ]
  return { kind: 'standard', id: ID.msi, length: 0xe, registers, msi: { vectors } }
}

/** MSI-X (section 7.7.2). The table (16 bytes a vector) and the pending bits lie in a memory BAR, at multiples of 8. */
export function msix(place: { vectors: number; bar: number; table?: number; pending?: number }): Capability {
  const { vectors, bar, table = 0, pending = table + 16 * vectors } = place
  if (!Number.isInteger(vectors) || vectors < 1 || vectors > 2048)
    throw new RangeError(`MSI-X has 1 to 2048 vectors, not ${vectors}`)
  if (table % 8 || pending % 8)
    throw new RangeError('the table and the pending bits of MSI-X lie at multiples of 8')
  const registers: Register[] = [
    { name: 'Message Control', offset: 2, width: 2, reset: vectors - 1, writable: 0xc000 },
    { name: 'Table Offset/Table BIR', offset: 4, width: 4, reset: table | bar },
    { name: 'PBA Offset/PBA BIR', offset: 8, width: 4, reset: pending | bar },
  ]
  return { kind: 'standard', id: ID.msix, length: 12, registers, msix: { vectors, bar, table, pending } }
}

/** Vendor-specific capability, VNDR (section 7.9.4): `registers` behind the length byte, from offset 3 on; `length` in bytes. */
export function vendorSpecific(length: number, registers: Register[]): Capability {
  const head: Register = { name: 'Capability Length', offset: 2, width: 1, reset: length }
  return { kind: 'standard', id: ID.vendorSpecific, length, registers: [head, ...registers] }
}

/** Vendor-specific extended capability, VSEC (section 7.9.5): its ID and revision mean what the function's vendor says. Registers from 8 on. */
export function vsec(options: {
  id: number
  revision?: number
  /** Bytes, both headers included. */
  length: number
  registers: Register[]
  at?: number
}): Capability {
  const { id, revision = 0, length, registers, at } = options
  const head: Register = {
    ...{ name: 'Vendor-Specific Header', offset: 4, width: 4 as const },
    reset: (id | (revision << 16) | (length << 20)) >>> 0,
  }
  return extended(EXTENDED_ID.vendorSpecific, length, [head, ...registers], at)
}

/** Designated vendor-specific extended capability, DVSEC (section 7.9.6): means what `vendor` says, on any function. Registers from 0xa on. */
export function dvsec(options: {
  vendor: number
  id: number
  revision?: number
  /** Bytes, all headers included. */
  length: number
  registers: Register[]
  at?: number
}): Capability {
  const { vendor, id, revision = 0, length, registers, at } = options
  const heads: Register[] = [
    {
      ...{ name: 'Designated Vendor-Specific Header 1', offset: 4, width: 4 as const },
      reset: (vendor | (revision << 16) | (length << 20)) >>> 0,
    },
    { name: 'Designated Vendor-Specific Header 2', offset: 8, width: 2, reset: id },
  ]
  return extended(EXTENDED_ID.designatedVendorSpecific, length, [...heads, ...registers], at)
}

/** Device serial number (section 7.9.3), 64 bits. */
export function serialNumber(value: bigint): Capability {
  const registers: Register[] = [
    { name: 'Serial Number, low', offset: 4, width: 4, reset: Number(value & 0xffff_ffffn) },
    { name: 'Serial Number, high', offset: 8, width: 4, reset: Number(value >> 32n) },
  ]
  return extended(EXTENDED_ID.serialNumber, 12, registers)
}

function extended(id: number, length: number, registers: Register[], at?: number): Capability {
  return { kind: 'extended', id, version: 1, length, registers, ...(at !== undefined && { at }) }
}
