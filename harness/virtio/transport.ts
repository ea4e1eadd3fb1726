// SPDX-License-Identifier: Apache-2.0
/** The modern PCI transport of virtio: VIRTIO 1.2, section 4.1. Registers only: nothing here looks into a ring. */
import { type Bar, type Capability, registerBar, vendorSpecific, type Width } from '../pci/index.ts'

/** Feature bits (section 6) that a device must offer so that its driver uses the DMA API, and with it Xen's grants. */
export const FEATURE = { VERSION_1: 32n, ACCESS_PLATFORM: 33n } as const

/** Bits of the device status (section 2.1). */
export const STATUS = {
  acknowledge: 1,
  driver: 2,
  driverOk: 4,
  featuresOk: 8,
  needsReset: 64,
  failed: 128,
} as const

/** One virtqueue, as the driver set it up. */
export interface Queue {
  /** Entries. */
  size: number
  enabled: boolean
  /** DMA addresses of the descriptor area, the driver area and the device area (section 2.7). Under Xen's grants bit 63 is set. */
  descriptors: bigint
  driver: bigint
  device: bigint
}

export interface TransportOptions {
  features: bigint
  queues: number
  /** Entries that a queue may have; default 256. */
  queueSize?: number
  /** The device-specific configuration (section 2.5). */
  config: Buffer
  notified: (queue: number) => void
  statusChanged: (status: number) => void
}

/** The BAR that QEMU's virtio functions use too, and where the structures lie in it. */
const BAR = 4
const LAYOUT = {
  common: { type: 1, offset: 0x0000, length: 0x38 },
  isr: { type: 3, offset: 0x1000, length: 0x1 },
  device: { type: 4, offset: 0x2000, length: 0x1000 },
  notify: { type: 2, offset: 0x3000, length: 0x1000 },
}
const NOTIFY_MULTIPLIER = 4

/** `struct virtio_pci_cap`, section 4.1.4: what stands where in the BAR. */
function structureCapability(place: { type: number; offset: number; length: number }): Capability {
  const isNotify = place.type === LAYOUT.notify.type
  return vendorSpecific(isNotify ? 20 : 16, [
    { name: 'cfg_type', offset: 3, width: 1, reset: place.type },
    { name: 'bar', offset: 4, width: 1, reset: BAR },
    { name: 'offset', offset: 8, width: 4, reset: place.offset },
    { name: 'length', offset: 12, width: 4, reset: place.length },
    ...(isNotify
      ? [{ name: 'notify_off_multiplier', offset: 16, width: 4 as const, reset: NOTIFY_MULTIPLIER }]
      : []),
  ])
}

export class Transport {
  readonly capabilities: Capability[] = Object.values(LAYOUT).map(structureCapability)
  readonly bars: Record<number, Bar>
  readonly queues: Queue[]
  /** What the driver accepted. */
  driverFeatures = 0n
  status = 0
  /** ISR status (section 4.1.4.5): bit 0 for queues, bit 1 for the configuration; reading clears it. */
  isr = 0
  isrRead: () => void = () => {}
  readonly #options: TransportOptions
  #deviceSelect = 0
  #driverSelect = 0
  #queueSelect = 0

  constructor(options: TransportOptions) {
    this.#options = options
    this.queues = Array.from({ length: options.queues }, () => this.#freshQueue())
    this.bars = {
      [BAR]: registerBar({
        ...{ size: 0x4000, wide: true, prefetchable: true },
        read: (offset, width) => this.#read(offset, width),
        write: (offset, width, value) => this.#write(offset, width, value),
      }),
    }
  }

  /** Writing 0 to the status resets the device (section 2.4). */
  reset(): void {
    this.status = 0
    this.isr = 0
    this.driverFeatures = 0n
    this.#deviceSelect = 0
    this.#driverSelect = 0
    this.#queueSelect = 0
    for (const queue of this.queues) Object.assign(queue, this.#freshQueue())
  }

  #freshQueue(): Queue {
    return { size: this.#options.queueSize ?? 256, enabled: false, descriptors: 0n, driver: 0n, device: 0n }
  }

  #read(offset: number, width: Width): number {
    if (offset >= LAYOUT.notify.offset) return 0
    if (offset >= LAYOUT.device.offset)
      return bytesOf(this.#options.config, offset - LAYOUT.device.offset, width)
    if (offset >= LAYOUT.isr.offset) {
      const { isr } = this
      this.isr = 0
      this.isrRead()
      return isr
    }
    return this.#readCommon(offset, width)
  }

  #write(offset: number, width: Width, value: number): void {
    if (offset >= LAYOUT.notify.offset) {
      this.#options.notified((offset - LAYOUT.notify.offset) / NOTIFY_MULTIPLIER)
      return
    }
    if (offset < LAYOUT.isr.offset) this.#writeCommon(offset, width, value)
  }

  /** `struct virtio_pci_common_cfg`, section 4.1.4.3. */
  #readCommon(offset: number, width: Width): number {
    const queue = this.queues[this.#queueSelect]
    const fields = Buffer.alloc(LAYOUT.common.length + 8)
    fields.writeUInt32LE(this.#deviceSelect, 0x00)
    fields.writeUInt32LE(half(this.#options.features, this.#deviceSelect), 0x04)
    fields.writeUInt32LE(this.#driverSelect, 0x08)
    fields.writeUInt32LE(half(this.driverFeatures, this.#driverSelect), 0x0c)
    // No MSI-X: VIRTIO_MSI_NO_VECTOR.
    fields.writeUInt16LE(0xffff, 0x10)
    fields.writeUInt16LE(this.queues.length, 0x12)
    fields.writeUInt8(this.status, 0x14)
    fields.writeUInt16LE(this.#queueSelect, 0x16)
    fields.writeUInt16LE(queue?.size ?? 0, 0x18)
    fields.writeUInt16LE(0xffff, 0x1a)
    fields.writeUInt16LE(queue?.enabled ? 1 : 0, 0x1c)
    fields.writeUInt16LE(this.#queueSelect, 0x1e)
    fields.writeBigUInt64LE(queue?.descriptors ?? 0n, 0x20)
    fields.writeBigUInt64LE(queue?.driver ?? 0n, 0x28)
    fields.writeBigUInt64LE(queue?.device ?? 0n, 0x30)
    return bytesOf(fields, offset, width)
  }

  #writeCommon(offset: number, width: Width, value: number): void {
    const queue = this.queues[this.#queueSelect]
    if (offset === 0x00) this.#deviceSelect = value
    else if (offset === 0x08) this.#driverSelect = value
    else if (offset === 0x0c) this.#acceptFeatures(value)
    else if (offset === 0x14) this.#setStatus(value & 0xff)
    else if (offset === 0x16) this.#queueSelect = value
    else if (!queue) return
    else if (offset === 0x18) queue.size = value
    else if (offset === 0x1c) queue.enabled = value === 1
    else if (offset >= 0x20 && offset < 0x38 && width === 4) setAddress(queue, offset, value)
  }

  #acceptFeatures(value: number): void {
    if (this.#driverSelect > 1) return
    const shift = BigInt(32 * this.#driverSelect)
    this.driverFeatures = (this.driverFeatures & ~(0xffff_ffffn << shift)) | (BigInt(value) << shift)
  }

  #setStatus(value: number): void {
    if (value === 0) this.reset()
    // FEATURES_OK stays off if the driver accepted what was not offered (section 3.1.1).
    else if (value & STATUS.featuresOk && this.driverFeatures & ~this.#options.features) {
      this.status = value & ~STATUS.featuresOk
    } else this.status = value
    this.#options.statusChanged(this.status)
  }
}

function setAddress(queue: Queue, offset: number, value: number): void {
  const area = (['descriptors', 'driver', 'device'] as const)[(offset - 0x20) >> 3] ?? 'device'
  const shift = offset & 4 ? 32n : 0n
  queue[area] = (queue[area] & ~(0xffff_ffffn << shift)) | (BigInt(value >>> 0) << shift)
}

const half = (features: bigint, select: number): number =>
  select > 1 ? 0 : Number((features >> BigInt(32 * select)) & 0xffff_ffffn)

function bytesOf(bytes: Buffer, offset: number, width: Width): number {
  let value = 0
  for (let byte = width - 1; byte >= 0; byte--) value = value * 256 + (bytes[offset + byte] ?? 0)
  return value
}
