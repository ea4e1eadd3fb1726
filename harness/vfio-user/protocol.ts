// SPDX-License-Identifier: Apache-2.0
/**
 * The vfio-user protocol, version 0.0, as QEMU 11.1 speaks it: QEMU's `docs/interop/vfio-user.rst` and `hw/vfio-user/protocol.h`; the
 * structures inside are those of the kernel's `include/uapi/linux/vfio.h`. All integers are little endian. Every message begins with
 * a header of 16 bytes; the offsets below count from behind it.
 */

export const HEADER = { size: 16, id: 0, command: 2, length: 4, flags: 8, error: 12 } as const

export const Command = {
  VERSION: 1,
  DMA_MAP: 2,
  DMA_UNMAP: 3,
  DEVICE_GET_INFO: 4,
  DEVICE_GET_REGION_INFO: 5,
  DEVICE_GET_REGION_IO_FDS: 6,
  DEVICE_GET_IRQ_INFO: 7,
  DEVICE_SET_IRQS: 8,
  REGION_READ: 9,
  REGION_WRITE: 10,
  DMA_READ: 11,
  DMA_WRITE: 12,
  DEVICE_RESET: 13,
} as const

/** Header flags: the low four bits are the message's type. */
export const Flag = { TYPE: 0xf, REQUEST: 0, REPLY: 1, NO_REPLY: 0x10, ERROR: 0x20 } as const

/** errno(3), the numbers that go over the wire. */
export const Errno = {
  ENOENT: 2,
  EIO: 5,
  E2BIG: 7,
  EEXIST: 17,
  ENODEV: 19,
  EINVAL: 22,
  EFBIG: 27,
  ENOSYS: 38,
  ENOTSUP: 95,
} as const

/** VFIO_PCI_*_REGION_INDEX: six BARs, the ROM, the configuration space. */
export const Region = { BAR0: 0, ROM: 6, CONFIG: 7, COUNT: 9 } as const

/** VFIO_PCI_*_IRQ_INDEX. */
export const Irq = { INTX: 0, MSI: 1, MSIX: 2, ERR: 3, REQ: 4, COUNT: 5 } as const

export const DeviceFlag = { RESET: 1, PCI: 2 } as const
export const RegionFlag = { READ: 1, WRITE: 2 } as const
export const IrqFlag = { EVENTFD: 1, MASKABLE: 2, AUTOMASKED: 4, NORESIZE: 8 } as const

/** `struct vfio_irq_set`: one bit says what the data are, one what is to be done. */
export const SetIrqs = {
  DATA: 0x7,
  DATA_NONE: 1,
  DATA_BOOL: 2,
  DATA_EVENTFD: 4,
  ACTION: 0x38,
  MASK: 8,
  UNMASK: 0x10,
  TRIGGER: 0x20,
} as const

export const DmaFlag = { READ: 1, WRITE: 2, UNMAP_ALL: 2 } as const

/** DMA_READ and DMA_WRITE: address and count, 64 bits each (`docs/interop/vfio-user.rst` of QEMU), then the data. */
export const DmaAccess = { address: 0, count: 8, data: 16, size: 16 } as const

/**
 * Data bytes of one DMA message at most. QEMU 11.1 sends its answer with one write that does not block, and when a part of it does not
 * fit into the socket's buffer (212,992 bytes unless the host says otherwise), no answer comes.
 */
export const MAX_DMA = 64 * 1024

/** Region numbers are in the top bits of the offsets that GET_REGION_INFO gives, as the kernel's vfio-pci does. */
export const REGION_SHIFT = 40n

/** The most bytes of one access; larger ones are refused. */
export const MAX_TRANSFER = 1024 * 1024
/** Bytes of the longest message that is looked at. */
export const MAX_MESSAGE = MAX_TRANSFER + 4096

/** What every message begins with, its length apart. */
export interface Header {
  id: number
  command: number
  flags: number
  /** errno(3) of a reply with `Flag.ERROR`. */
  error: number
}

export interface Message extends Header {
  /** What follows the header; valid only while it is being handled. */
  body: Buffer
  /** The receiver owns them. */
  fds: number[]
}

/** An error that goes back to the client, and harms nothing else. */
export class Refusal extends Error {
  override readonly name = 'Refusal'
  readonly errno: number

  constructor(errno: number, reason: string) {
    super(reason)
    this.errno = errno
  }
}

/** The header at the start of `message`. */
export function readHeader(message: Buffer): Header {
  return {
    id: message.readUInt16LE(HEADER.id),
    command: message.readUInt16LE(HEADER.command),
    flags: message.readUInt32LE(HEADER.flags),
    error: message.readUInt32LE(HEADER.error),
  }
}

/** Writes a header at the start of `message`, which is as long as it says. */
export function writeHeader(message: Buffer, header: Omit<Header, 'error'> & { error?: number }): void {
  message.writeUInt16LE(header.id, HEADER.id)
  message.writeUInt16LE(header.command, HEADER.command)
  message.writeUInt32LE(message.length, HEADER.length)
  message.writeUInt32LE(header.flags, HEADER.flags)
  message.writeUInt32LE(header.error ?? 0, HEADER.error)
}

/** A 64-bit field that must be a number: an address or a size below 2^53. */
export function readSize(body: Buffer, offset: number): number {
  const value = body.readBigUInt64LE(offset)
  if (value > BigInt(Number.MAX_SAFE_INTEGER))
    throw new Refusal(Errno.EINVAL, `0x${value.toString(16)} is out of range`)
  return Number(value)
}
