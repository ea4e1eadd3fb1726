// SPDX-License-Identifier: Apache-2.0
import type { DmaMemory } from './port.ts'
import type { Trace } from './trace.ts'

/** The function whose DMA it is. */
interface Master {
  readonly at: string
  readonly trace: Trace
}

/** Bytes of a DMA up to which the trace has what was read or written. */
const LONGEST_SHOWN = 8

/** The guest's memory, with what is done to it in the trace. */
export class TracedMemory implements DmaMemory {
  readonly #memory: DmaMemory
  readonly #master: Master

  constructor(memory: DmaMemory, master: Master) {
    this.#memory = memory
    this.#master = master
  }

  async read(address: number, length: number): Promise<Buffer> {
    const data = await this.#memory.read(address, length)
    this.#record('dma-read', address, data)
    return data
  }

  async write(address: number, data: Uint8Array): Promise<void> {
    await this.#memory.write(address, data)
    this.#record('dma-write', address, data)
  }

  readNow(address: number, length: number): Buffer {
    const data = this.#memory.readNow(address, length)
    this.#record('dma-read', address, data)
    return data
  }

  writeNow(address: number, data: Uint8Array): void {
    this.#memory.writeNow(address, data)
    this.#record('dma-write', address, data)
  }

  #record(what: 'dma-read' | 'dma-write', address: number, data: Uint8Array): void {
    const { at, trace } = this.#master
    const shown = data.length <= LONGEST_SHOWN
    const value = shown ? Buffer.from(data).reverse().toString('hex') : undefined
    trace.record({ from: at, what, address, size: data.length, value })
  }
}
