// SPDX-License-Identifier: Apache-2.0
import type { Capability } from './capabilities.ts'
import type { PciFunction } from './function.ts'

/** A memory write that interrupts: to a doorbell's address, four bytes. */
interface InterruptMessage {
  address: number
  data: Buffer
}

const ENABLED = { msi: 1, msix: 0x8000, msixMasked: 0x4000 } as const

function message(address: number, data: number): InterruptMessage {
  const bytes = Buffer.alloc(4)
  bytes.writeUInt32LE(data >>> 0)
  return { address, data: bytes }
}

/** The messages that a function's MSI and MSI-X registers ask for (PCI Express Base Specification 6.0, section 6.1.4). */
export class MessageSignal {
  readonly #fn: PciFunction
  readonly #msi: Capability | undefined
  readonly #msix: Capability | undefined

  constructor(fn: PciFunction) {
    this.#fn = fn
    this.#msi = fn.capabilities.find(({ msi }) => msi)
    this.#msix = fn.capabilities.find(({ msix }) => msix)
  }

  /** Undefined while the guest has MSI off, or has not allowed that many vectors. */
  msi(vector: number): InterruptMessage | undefined {
    if (!this.#msi) return undefined
    const at = this.#fn.placeOf(this.#msi)
    const { config } = this.#fn
    const control = config.get(at + 2, 2)
    const allowed = 1 << ((control >> 4) & 7)
    if ((control & ENABLED.msi) === 0 || vector >= allowed) return undefined
    const address = config.get(at + 4, 4) + config.get(at + 8, 4) * 2 ** 32
    return message(address, (config.get(at + 12, 2) & ~(allowed - 1)) | vector)
  }

  /** Undefined while the guest has MSI-X off, or the vector masked. The table must be in a BAR that answers at once. */
  msix(vector: number): InterruptMessage | undefined {
    const place = this.#msix?.msix
    if (!this.#msix || !place || vector >= place.vectors) return undefined
    const control = this.#fn.config.get(this.#fn.placeOf(this.#msix) + 2, 2)
    if ((control & ENABLED.msix) === 0 || (control & ENABLED.msixMasked) !== 0) return undefined
    const bar = this.#fn.bars.get(place.bar)
    const word = (index: number): number => {
      const value = bar?.read(place.table + 16 * vector + 4 * index, 4)
      if (typeof value !== 'number')
        throw new TypeError(`${this.#fn.at}: its MSI-X table does not answer at once`)
      return value
    }
    if (word(3) & 1) return undefined
    return message(word(0) + word(1) * 2 ** 32, word(2))
  }
}
