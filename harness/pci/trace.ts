// SPDX-License-Identifier: Apache-2.0

/** One thing that happened between a guest and a device model. */
export interface TraceEntry {
  /** ms on the board's clock. */
  at: number
  /** BDF of the function, or the root complex's name. */
  from: string
  /** The domain that owns the bus, where that is known. */
  domain?: string | undefined
  what: 'read' | 'write' | 'dma-read' | 'dma-write' | 'interrupt' | 'reset' | 'event'
  /** `config`, `bar0` to `bar5`; `window`, of a root complex's registers; `intx`, `msi`, `msix` of an interrupt. */
  space?: string | undefined
  /** Byte offset in the space, guest-physical address of a DMA, vector of an interrupt. */
  address?: number | undefined
  /** Bytes. */
  size?: number
  /** Hexadecimal; of a DMA of more than eight bytes, nothing. */
  value?: string | undefined
  /** What else there is to say: a refused access, an event's name. */
  note?: string | undefined
}

/** How many entries are kept for assertions; the file has all. */
const KEPT = 20_000

type Listener = (entry: TraceEntry) => void

/** The accesses, DMA and interrupts of device models, in their order. */
export class Trace {
  #entries: TraceEntry[] = []
  readonly #listeners = new Set<Listener>()
  #now: () => number = () => performance.now()
  #domain: string | undefined

  /** Puts the trace on a board's clock; `domain` owns the functions. */
  start(now: () => number, domain: string | undefined): void {
    this.#now = now
    this.#domain = domain
  }

  /** Every access of a guest comes by here: the entry is put together field by field, which is quicker than to spread it. */
  record({ from, what, space, address, size, value, note }: Omit<TraceEntry, 'at' | 'domain'>): void {
    const entry: TraceEntry = { at: this.#now(), domain: this.#domain, from, what }
    if (space !== undefined) entry.space = space
    if (address !== undefined) entry.address = address
    if (size !== undefined) entry.size = size
    if (value !== undefined) entry.value = value
    if (note !== undefined) entry.note = note
    this.#entries.push(entry)
    if (this.#entries.length > 2 * KEPT) this.#entries = this.#entries.slice(-KEPT)
    for (const listener of this.#listeners) listener(entry)
  }

  onEntry(listener: Listener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  /** The latest entries, oldest first. */
  get entries(): readonly TraceEntry[] {
    return this.#entries
  }
}
