// SPDX-License-Identifier: Apache-2.0

/** What a process and the programs that it started have used, less QEMU and less other Node processes, which have accounts of their own. */
export interface Account {
  /** User and system, ms. */
  processorMs: number
  /** Memory at most, bytes. */
  peakBytes: number
}

/** Names the folder for accounts in the environment. */
export const FOLDER = 'GUESTRIG_BENCH_ACCOUNTS'
