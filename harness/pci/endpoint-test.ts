// SPDX-License-Identifier: Apache-2.0
import { randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { memoryBar, registerBar } from './bar.ts'
import { type Capability, msi, msix, pciExpress } from './capabilities.ts'
import type { Width } from './config-space.ts'
import { PciFunction, type PciFunctionOptions } from './function.ts'
import { MessageSignal } from './message-signal.ts'

/** Registers in BAR 0, 32 bits each, addresses 64, and their bits (`drivers/misc/pci_endpoint_test.c` of Linux). */
const REGISTER = {
  command: 0x04,
  status: 0x08,
  source: 0x0c,
  destination: 0x14,
  size: 0x1c,
  checksum: 0x20,
  irqType: 0x24,
  irqNumber: 0x28,
} as const
const COMMAND = { read: 1 << 3, write: 1 << 4, copy: 1 << 5 } as const
const STATUS = { irqRaised: 1 << 6 } as const
/** What the status says of a transfer. */
const RESULT = {
  read: { done: 1 << 0, failed: 1 << 1 },
  write: { done: 1 << 2, failed: 1 << 3 },
  copy: { done: 1 << 4, failed: 1 << 5 },
} as const
/** Of the type register: 0; 1 and 2 are MSI and MSI-X, and the guest has enabled one of them. */
const INTX = 0

const PAGE = 4096

type Transfer = keyof typeof COMMAND

export interface EndpointTestOptions extends Omit<Partial<PciFunctionOptions>, 'at' | 'bars'> {
  at: string
  /** Vectors of MSI; default 4, 0 for none. */
  msi?: number
  /** Vectors of MSI-X; default 8, 0 for none. Their table is in BAR 1. */
  msix?: number
  /** How often the driver must read the status until the function takes its INTx back; default 1. */
  readsUntilServed?: number
}

/**
 * The function that the stock driver `drivers/misc/pci_endpoint_test.c` tests: interrupts of every kind and DMA both ways, on command. BAR 0
 * has the registers, BAR 1 the table of MSI-X, BAR 2 is memory.
 *
 * The driver wants MSI for the usual IDs. Where there is none, give `vendor: 0x16c3, device: 0xedda`, for which it does what the kernel's
 * argument `pci_endpoint_test.irq_type=0` says.
 */
export class EndpointTest extends PciFunction {
  readonly #registers = Buffer.alloc(0x30)
  readonly #signal: MessageSignal
  readonly #readsUntilServed: number
  #readsToCome = 0

  constructor({ msi: msiVectors = 4, msix: msixVectors = 8, ...options }: EndpointTestOptions) {
    const capabilities: Capability[] = [
      pciExpress({ type: 'root-complex-endpoint' }),
      ...(msiVectors > 0 ? [msi({ vectors: msiVectors })] : []),
      ...(msixVectors > 0 ? [msix({ vectors: msixVectors, bar: 1 })] : []),
      ...(options.capabilities ?? []),
    ]
    super({
      ...{ vendor: 0x104c, device: 0xb500, class: 0xff0000, interruptPin: 1 },
      ...options,
      capabilities,
      bars: {
        0: registerBar({
          size: PAGE,
          read: (offset, width) => this.#read(offset, width),
          write: (offset, width, value) => this.#write(offset, width, value),
        }),
        1: memoryBar({ size: PAGE }),
        2: memoryBar({ size: 16 * PAGE }),
      },
      onReset: () => {
        this.#registers.fill(0)
        options.onReset?.()
      },
    })
    this.#signal = new MessageSignal(this)
    this.#readsUntilServed = options.readsUntilServed ?? 1
  }

  /** The memory write by which it interrupts, as the guest has told it; undefined while the guest has enabled neither MSI nor MSI-X. */
  message(vector = 0): { address: number; data: Buffer } | undefined {
    return this.#signal.msix(vector) ?? this.#signal.msi(vector)
  }

  /** Interrupts with INTx, as its command does: until the driver has read the status. */
  raiseIntx(): void {
    this.#add(STATUS.irqRaised)
    this.#readsToCome = this.#readsUntilServed
    this.intx = true
  }

  #get(register: number): number {
    return this.#registers.readUInt32LE(register)
  }

  #set(register: number, value: number): void {
    this.#registers.writeUInt32LE(value >>> 0, register)
  }

  #address(register: number): number {
    return this.#get(register) + this.#get(register + 4) * 2 ** 32
  }

  #add(status: number): void {
    this.#set(REGISTER.status, this.#get(REGISTER.status) | status)
  }

  #read(offset: number, width: Width): number {
    if (offset + width > this.#registers.length) return 0
    const value = this.#registers.readUIntLE(offset, width)
    if (offset === REGISTER.status && this.intx && --this.#readsToCome <= 0) this.intx = false
    return value
  }

  #write(offset: number, width: Width, value: number): void {
    if (offset + width > this.#registers.length) return
    this.#registers.writeUIntLE(value, offset, width)
    if (offset === REGISTER.command) this.#perform(value)
  }

  /** One command; the guest is interrupted when it is done. Not waited for: an answer that is due comes first. */
  #perform(command: number): void {
    this.#set(REGISTER.status, 0)
    const transfer = (Object.keys(COMMAND) as Transfer[]).find((kind) => command & COMMAND[kind])
    if (!transfer) {
      this.#raise()
      return
    }
    void this.#transfer(transfer)
      .catch((error: unknown) => {
        this.trace.record({ from: this.at, what: 'event', note: `${transfer}: ${error}` })
        return false
      })
      .then((done) => {
        this.#add(RESULT[transfer][done ? 'done' : 'failed'])
        this.#raise()
      })
  }

  /** READ and WRITE are seen from the function: it reads the guest's memory, and writes it. */
  async #transfer(kind: Transfer): Promise<boolean> {
    const size = this.#get(REGISTER.size)
    if (kind === 'write') {
      const data = randomBytes(size)
      this.#set(REGISTER.checksum, checksum(data))
      await this.dma.write(this.#address(REGISTER.destination), data)
      return true
    }
    const data = await this.dma.read(this.#address(REGISTER.source), size)
    if (kind === 'read') return checksum(data) === this.#get(REGISTER.checksum)
    await this.dma.write(this.#address(REGISTER.destination), data)
    return true
  }

  #raise(): void {
    if (this.#get(REGISTER.irqType) === INTX) {
      this.raiseIntx()
      return
    }
    this.#add(STATUS.irqRaised)
    this.interrupt(this.#get(REGISTER.irqNumber) - 1)
  }
}

/** The kernel's `crc32_le(~0, …)`: without the inversion at the end. */
const checksum = (data: Buffer): number => ~crc32(data) >>> 0
