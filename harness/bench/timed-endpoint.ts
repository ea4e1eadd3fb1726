// SPDX-License-Identifier: Apache-2.0
import { type DmaMemory, EndpointTest } from '../pci/index.ts'

/** DMA of one transfer, all its passes together. */
interface TimedDma {
  /** Bytes that went over the bus. */
  bytes: number
  /** The time of the DMA alone. */
  ms: number
}

/**
 * The test endpoint with its DMA timed, and done several times over. What the driver checks is what the last pass left, and what the
 * function reads must be the same with every pass.
 */
export class TimedEndpoint extends EndpointTest {
  passes = 1
  readonly #timed: TimedDma = { bytes: 0, ms: 0 }

  /** What was transferred since it was last asked for. */
  takeTimes(): TimedDma {
    const times = { ...this.#timed }
    this.#timed.bytes = 0
    this.#timed.ms = 0
    return times
  }

  override get dma(): DmaMemory {
    const dma = super.dma
    return {
      readNow: (address, length) => dma.readNow(address, length),
      writeNow: (address, data) => dma.writeNow(address, data),
      read: async (address, length) => {
        const first = await this.#time(length, () => dma.read(address, length))
        for (let pass = 1; pass < this.passes; pass++) {
          const again = await this.#time(length, () => dma.read(address, length))
          if (!again.equals(first)) throw new Error(`pass ${pass} of a DMA read brought other data`)
        }
        return first
      },
      write: async (address, data) => {
        for (let pass = 0; pass < this.passes; pass++)
          await this.#time(data.length, () => dma.write(address, data))
      },
    }
  }

  async #time<T>(bytes: number, move: () => Promise<T>): Promise<T> {
    const startedAt = performance.now()
    const result = await move()
    this.#timed.ms += performance.now() - startedAt
    this.#timed.bytes += bytes
    return result
  }
}
