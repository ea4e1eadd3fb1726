// SPDX-License-Identifier: Apache-2.0
/**
 * The test endpoint of the PCI endpoint framework, which the kernel's stock driver `drivers/misc/pci_endpoint_test.c` binds to. What it
 * does at a command is what `drivers/pci/endpoint/functions/pci-epf-test.c` does.
 */
import { randomBytes } from 'node:crypto'
import { crc32 } from 'node:zlib'
import { type DmaMemory, msi, PciFunction, pciExpress, registerBar } from '../pci/index.ts'

/** Offsets in BAR 0, all of four bytes (`PCI_ENDPOINT_TEST_*`). */
const REGISTER = {
  command: 0x04,
  status: 0x08,
  source: 0x0c,
  destination: 0x14,
  size: 0x1c,
  checksum: 0x20,
  irqNumber: 0x28,
} as const

/** Bits of the command register (`COMMAND_*`); it is the function that reads and writes. */
const COMMAND = { read: 8, write: 0x10, copy: 0x20 } as const

/** Bits of the status register (`STATUS_*`). */
const STATUS = { read: 1, readFailed: 2, write: 4, copy: 0x10, irqRaised: 0x40 } as const

/** All that MSI has; the driver asks for as many. */
const VECTORS = 32

export interface Transfer {
  what: 'read' | 'write' | 'copy'
  /** Bytes that went over the bus, over all passes; a copy moves each twice. */
  bytes: number
  /** The time of the DMA alone. */
  ms: number
}

export interface EndpointTestOptions {
  at: string
  sharedMemory?: boolean
}

interface Ringing {
  count: number
  /** At most `VECTORS`. */
  volley: number
  patience: number
}

export class EndpointTest {
  readonly fn: PciFunction
  /** How often each transfer is done. The guest checks what stands in its memory after the last. */
  passes = 1
  /** What was transferred, in order. */
  readonly transfers: Transfer[] = []
  readonly #registers = Buffer.alloc(4096)
  #statusWasRead: () => void = () => {}

  constructor({ at, sharedMemory = false }: EndpointTestOptions) {
    this.fn = new PciFunction({
      ...{ at, vendor: 0x104c, device: 0xb500, class: 0xff0000, interruptPin: 1, sharedMemory },
      bars: {
        0: registerBar({
          size: this.#registers.length,
          read: (offset, width) => this.#read(offset, width),
          write: (offset, width, value) => this.#write(offset, width, value),
        }),
      },
      capabilities: [pciExpress(), msi({ vectors: VECTORS })],
      onReset: () => this.#registers.fill(0),
    })
  }

  /**
   * Sends `count` interrupts in volleys, each of one interrupt on each of the first `volley` vectors; the next follows when the driver's
   * handler has read STATUS as often. So none falls together with another. Gives the ms that it took, or undefined if that stopped: nothing
   * was read for `patience` ms.
   */
  ring({ count, volley, patience }: Ringing): Promise<number | undefined> {
    const startedAt = performance.now()
    let sent = 0
    let answered = 0
    const send = () => {
      for (let vector = 0; vector < volley && sent < count; vector++, sent++) this.#raise(vector)
    }
    return new Promise((resolve) => {
      const end = (ms: number | undefined) => {
        clearInterval(watch)
        this.#statusWasRead = () => {}
        resolve(ms)
      }
      let before = answered
      const watch = setInterval(() => {
        if (answered === before) end(undefined)
        before = answered
      }, patience)
      this.#statusWasRead = () => {
        answered++
        if (answered === count) end(performance.now() - startedAt)
        else if (answered === sent) send()
      }
      send()
    })
  }

  #register(offset: number): number {
    return this.#registers.readUInt32LE(offset)
  }

  #address(offset: number): number {
    return this.#register(offset) + this.#register(offset + 4) * 2 ** 32
  }

  #read(offset: number, width: number): number {
    const value = this.#registers.readUIntLE(offset, width)
    if (offset === REGISTER.status) {
      if (this.fn.intx) this.fn.intx = false
      this.#statusWasRead()
    }
    return value
  }

  /** QEMU posts its writes: nobody waits for the promise, but what goes wrong in it is heard of. */
  #write(offset: number, width: number, value: number): void | Promise<void> {
    this.#registers.writeUIntLE(value, offset, width)
    if (offset !== REGISTER.command || value === 0) return
    this.#registers.writeUInt32LE(0, REGISTER.command)
    this.#registers.writeUInt32LE(0, REGISTER.status)
    return this.#obey(value)
  }

  async #obey(command: number): Promise<void> {
    if (command & COMMAND.read) await this.#dmaRead()
    if (command & COMMAND.write) await this.#dmaWrite()
    if (command & COMMAND.copy) await this.#dmaCopy()
    this.#raise(Math.max(this.#register(REGISTER.irqNumber), 1) - 1)
  }

  /** The guest has put the checksum of what it wants read into the register. */
  async #dmaRead(): Promise<void> {
    const size = this.#register(REGISTER.size)
    const from = this.#address(REGISTER.source)
    let isRight = true
    await this.#transfer('read', size, async (dma) => {
      const data = await dma.read(from, size)
      return () => {
        isRight &&= checksum(data) === this.#register(REGISTER.checksum)
      }
    })
    this.#setStatus(isRight ? STATUS.read : STATUS.readFailed)
  }

  /** The guest compares its own checksum with the register's. */
  async #dmaWrite(): Promise<void> {
    const size = this.#register(REGISTER.size)
    const data = randomBytes(size)
    this.#registers.writeUInt32LE(checksum(data), REGISTER.checksum)
    await this.#transfer('write', size, async (dma) => {
      await dma.write(this.#address(REGISTER.destination), data)
      return undefined
    })
    this.#setStatus(STATUS.write)
  }

  async #dmaCopy(): Promise<void> {
    const size = this.#register(REGISTER.size)
    await this.#transfer('copy', 2 * size, async (dma) => {
      await dma.write(
        this.#address(REGISTER.destination),
        await dma.read(this.#address(REGISTER.source), size),
      )
      return undefined
    })
    this.#setStatus(STATUS.copy)
  }

  /** Does one transfer as often as is wanted, and keeps the time; what `pass` gives is done with the clock stopped. */
  async #transfer(
    what: Transfer['what'],
    bytes: number,
    pass: (dma: Pick<DmaMemory, 'read' | 'write'>) => Promise<(() => void) | undefined>,
  ): Promise<void> {
    const { dma } = this.fn
    let ms = 0
    for (let number = 0; number < this.passes; number++) {
      const startedAt = performance.now()
      const after = await pass(dma)
      ms += performance.now() - startedAt
      after?.()
    }
    this.transfers.push({ what, bytes: this.passes * bytes, ms })
  }

  #setStatus(bits: number): void {
    this.#registers.writeUInt32LE(this.#register(REGISTER.status) | bits, REGISTER.status)
  }

  /** By what the guest has enabled. INTx stays asserted until the driver's handler has read STATUS. */
  #raise(vector: number): void {
    this.#setStatus(STATUS.irqRaised)
    if (!this.fn.interrupt(vector)) this.fn.intx = true
  }
}

/** `crc32_le(~0, …)` of the kernel, which leaves out the last inversion. */
const checksum = (data: Uint8Array): number => ~crc32(data) >>> 0
