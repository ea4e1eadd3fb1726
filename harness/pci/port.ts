// SPDX-License-Identifier: Apache-2.0

/** The guest's memory, as a function's DMA sees it. Addresses are guest-physical, sizes in bytes. */
export interface DmaMemory {
  read(address: number, length: number): Promise<Buffer>
  write(address: number, data: Uint8Array): Promise<void>
  /** At once; only where the board shares its RAM (`sharedMemory`). */
  readNow(address: number, length: number): Buffer
  writeNow(address: number, data: Uint8Array): void
}

/** What a function is plugged into: the emulator's bus, or a modelled root complex. */
export interface Port {
  readonly memory: DmaMemory
  /** Drives the function's INTx line. */
  intx(asserted: boolean): void
  /** Sends a message-signalled interrupt. False if the guest has not enabled it. */
  msi(vector: number): boolean
  msix(vector: number): boolean
}
