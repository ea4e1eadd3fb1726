// SPDX-License-Identifier: Apache-2.0
import { constants, openSync, unlinkSync } from 'node:fs'
import { join } from 'node:path'

/** Linux, include/uapi/asm-generic/fcntl.h: __O_TMPFILE, which goes with O_DIRECTORY. */
const O_TMPFILE = 0o20000000 | constants.O_DIRECTORY

/**
 * A file that is there for whoever has its descriptor, and gone when nobody has, however they end: it has no name in any folder. `folder` says
 * on which file system.
 */
export function namelessFile(folder: string): number {
  try {
    return openSync(folder, O_TMPFILE | constants.O_RDWR, 0o600)
  } catch {
    // Not every file system has such files (open(2)).
    const name = join(folder, `nameless-${process.pid}`)
    const fd = openSync(name, 'wx+', 0o600)
    unlinkSync(name)
    return fd
  }
}
