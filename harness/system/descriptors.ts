// SPDX-License-Identifier: Apache-2.0
import { readlinkSync } from 'node:fs'
import { CLOEXEC, checked, libc, NONBLOCK } from './libc.ts'

const F_SETFL = 4

const sys = {
  pipe2: libc.func('int pipe2(_Out_ int *fds, int flags)'),
  fcntl: libc.func('int fcntl(int fd, int command, ...)'),
}

/** The two ends of a pipe, by file descriptor. */
export interface Pipe {
  from: number
  to: number
}

/** @throws SystemError when there are no file descriptors left. */
export function makePipe(): Pipe {
  const fds: [number, number] = [-1, -1]
  checked('pipe2', sys.pipe2(fds, CLOEXEC))
  return { from: fds[0], to: fds[1] }
}

/** Whether a descriptor that came is an eventfd; if so, writing to it does not block from now on. */
export function prepareEventfd(fd: number): boolean {
  if (readlinkSync(`/proc/self/fd/${fd}`) !== 'anon_inode:[eventfd]') return false
  // It has no other flags of F_SETFL that could be lost.
  checked('fcntl', sys.fcntl(fd, F_SETFL, 'int', NONBLOCK))
  return true
}
