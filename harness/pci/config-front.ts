// SPDX-License-Identifier: Apache-2.0
/** How a host bridge lets software reach the configuration spaces behind it: what stands in its register window. */
import type { Width } from './config-space.ts'

/** The configuration spaces behind a bridge, by requester ID and byte offset. */
export interface ConfigBus {
  read(rid: number, register: number, width: Width): number | Promise<number>
  write(rid: number, register: number, width: Width, value: number): void | Promise<void>
  /** The bridge does not take this access: software reads all ones, and a write is lost. `offset` in the register window. */
  refuse(what: 'read' | 'write', offset: number, width: Width): number
}

export interface ConfigFront {
  /** The device-tree binding that describes it. */
  compatible: string
  /** Bytes of the register window. */
  size: number
  /** Buses that can be reached. */
  buses: number
  read(bus: ConfigBus, offset: number, width: Width): number | Promise<number>
  write(bus: ConfigBus, offset: number, width: Width, value: number): void | Promise<void>
  /** Back to the state after power-on, where there is one. */
  reset?(): void
}

export interface MappedOptions {
  /** 1 to 256; default 256. */
  buses?: number
  /** The sizes of access that the bridge passes on, in bytes; others read as all ones, and writes are lost. Default all. */
  widths?: readonly Width[]
  /** On the root bus the device number is not looked at, so that device 0 answers as every device (as the DesignWare controller does). */
  repeatsDevice0?: boolean
  compatible?: string
}

/**
 * The whole of every configuration space in memory: `bus << (shift + 8) | device and function << shift | register`. An ECAM has 4096 bytes a
 * function (PCI Express Base Specification 6.0, section 7.2.2).
 */
function mapped(shift: 8 | 12, compatible: string, options: MappedOptions): ConfigFront {
  const { buses = 256, widths = [1, 2, 4], repeatsDevice0 = false } = options
  const locate = (offset: number) => {
    const rid = Math.floor(offset / 2 ** shift)
    return { rid: repeatsDevice0 && rid >> 8 === 0 ? rid & 7 : rid, register: offset % 2 ** shift }
  }
  return {
    compatible: options.compatible ?? compatible,
    size: buses * 2 ** (shift + 8),
    buses,
    read(bus, offset, width) {
      if (!widths.includes(width)) return bus.refuse('read', offset, width)
      const { rid, register } = locate(offset)
      return bus.read(rid, register, width)
    },
    write(bus, offset, width, value) {
      if (!widths.includes(width)) {
        bus.refuse('write', offset, width)
        return
      }
      const { rid, register } = locate(offset)
      return bus.write(rid, register, width, value)
    },
  }
}

/** Enhanced configuration access mechanism: what `pci-host-generic` expects. */
export const ecam = (options: MappedOptions = {}): ConfigFront => mapped(12, 'pci-host-ecam-generic', options)

/** Its predecessor, with 256 bytes a function: no extended capabilities. */
export const cam = (options: MappedOptions = {}): ConfigFront => mapped(8, 'pci-host-cam-generic', options)

/** Registers of the address/data window (`drivers/pci-host-window/README.md`). */
const WINDOW = { address: 0x0, data: 0x8, size: 0x1000, enable: 0x8000_0000 } as const

/** Two registers for all: software writes where, then reads or writes what, as with x86's ports 0xcf8 and 0xcfc. */
export function addressDataWindow({ buses = 256 }: { buses?: number } = {}): ConfigFront {
  let address = 0
  const chosen = (offset: number) => ({
    rid: (address >>> 12) & 0xffff,
    register: (address & 0xffc) | (offset & 3),
  })
  const isData = (offset: number) => offset >= WINDOW.data && offset < WINDOW.data + 4
  return {
    compatible: 'guestrig,pci-host-window',
    size: WINDOW.size,
    buses,
    read(bus, offset, width) {
      if (offset === WINDOW.address && width === 4) return address
      if (!isData(offset) || (address & WINDOW.enable) === 0) return bus.refuse('read', offset, width)
      const { rid, register } = chosen(offset)
      return rid >> 8 < buses ? bus.read(rid, register, width) : bus.refuse('read', offset, width)
    },
    write(bus, offset, width, value) {
      if (offset === WINDOW.address && width === 4) {
        address = value >>> 0
        return
      }
      if (!isData(offset) || (address & WINDOW.enable) === 0) {
        bus.refuse('write', offset, width)
        return
      }
      const { rid, register } = chosen(offset)
      if (rid >> 8 < buses) return bus.write(rid, register, width, value)
      bus.refuse('write', offset, width)
    },
    reset() {
      address = 0
    },
  }
}
