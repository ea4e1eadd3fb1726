// SPDX-License-Identifier: Apache-2.0
import { cpus } from 'node:os'

/** Memory that a board with Xen and its guests, its QEMU and its worker may come to need, bytes. */
const A_BOARD = 2.5 * 2 ** 30

/** How many boards this machine carries: one for each processor, as far as the memory goes that is free now. */
export const boardsAtOnce = (): number =>
  Math.max(1, Math.min(cpus().length, Math.floor(process.availableMemory() / A_BOARD)))
