// SPDX-License-Identifier: Apache-2.0
/** The system calls that Node lacks, through koffi. Linux on a 64-bit little-endian machine. */
import koffi from 'koffi'

export const libc = koffi.load(null)

export const { EAGAIN, EINTR, ECONNABORTED } = koffi.os.errno as Record<
  'EAGAIN' | 'EINTR' | 'ECONNABORTED',
  number
>

/** Asks for what no program that is started later inherits (pipe2(2), socket(2)). */
export const CLOEXEC = 0o2000000
export const NONBLOCK = 0o4000

/** A system call failed. */
export class SystemError extends Error {
  override readonly name = 'SystemError'

  constructor(call: string, errno: number) {
    super(`${call}: ${errnoName(errno)}`)
  }
}

/** As errno(3) names it. */
export const errnoName = (errno: number): string =>
  Object.entries(koffi.os.errno).find(([, number]) => number === errno)?.[0] ?? `error ${errno}`

/** The result of a call, unless it is negative. */
export function checked(call: string, result: number): number {
  if (result < 0) throw new SystemError(call, koffi.errno())
  return result
}
