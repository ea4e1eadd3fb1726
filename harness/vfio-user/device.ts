// SPDX-License-Identifier: Apache-2.0
import type { InterruptLines } from './interrupts.ts'
import type { GuestMemory } from './memory.ts'

/** What a client is told of a region: a BAR (0–5), the ROM (6) or the configuration space (7). */
export interface RegionInfo {
  /** Bytes. */
  size: number
}

/** What a device can do while a client is connected. */
export interface Upstream {
  readonly memory: GuestMemory
  readonly interrupts: InterruptLines
}

/** What the server serves: a PCI function, or what looks like one. */
export interface VfioUserDevice {
  /** By region number; undefined where there is none. */
  readonly regions: readonly (RegionInfo | undefined)[]
  /** Vectors by interrupt kind: INTx, MSI, MSI-X, error, request. */
  readonly interruptCounts: readonly number[]
  /** Fills `into` with what stands at `offset`. A promise when the answer takes its time; the guest waits for it. */
  read(region: number, offset: number, into: Buffer): void | Promise<void>
  /** `data` is valid during the call only. A promise when the answer takes its time. */
  write(region: number, offset: number, data: Buffer): void | Promise<void>
  /** The machine, or the guest, resets the function. */
  reset(): void
  connected(upstream: Upstream): void
  disconnected(): void
}
