// SPDX-License-Identifier: Apache-2.0
/** UNIX sockets that listen, and pairs of them (unix(7)), by file descriptor. */
import { closeSync, openSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import koffi from 'koffi'
import { CLOEXEC, checked, EAGAIN, ECONNABORTED, EINTR, libc, NONBLOCK, SystemError } from './libc.ts'

const AF_UNIX = 1
/** What a socket carries: bytes, or records that stay apart. */
const TYPES = { stream: 1, records: 5 } as const

const sys = {
  socket: libc.func('int socket(int domain, int type, int protocol)'),
  socketpair: libc.func('int socketpair(int domain, int type, int protocol, _Out_ int *fds)'),
  bind: libc.func('int bind(int fd, const void *address, uint32_t length)'),
  listen: libc.func('int listen(int fd, int backlog)'),
  accept4: libc.func('int accept4(int fd, void *address, void *length, int flags)'),
}

/** Two sockets that are connected to each other. */
export function socketPair(type: keyof typeof TYPES): [number, number] {
  const fds: [number, number] = [-1, -1]
  checked('socketpair', sys.socketpair(AF_UNIX, TYPES[type] | CLOEXEC, 0, fds))
  return fds
}

/** Bytes of a path in `struct sockaddr_un`, with the zero at its end (unix(7)). */
const SUN_PATH = 108

/** A socket that listens at `path`, however long that is. */
export function listenAt(path: string): number {
  const folder = openSync(dirname(path), 'r')
  try {
    const name = Buffer.from(`/proc/self/fd/${folder}/${basename(path)}`)
    if (name.length >= SUN_PATH) throw new RangeError(`too long for the name of a socket: ${basename(path)}`)
    const address = Buffer.alloc(2 + name.length + 1)
    address.writeUInt16LE(AF_UNIX, 0)
    name.copy(address, 2)
    const fd = checked('socket', sys.socket(AF_UNIX, TYPES.stream | NONBLOCK | CLOEXEC, 0))
    try {
      checked(`bind ${path}`, sys.bind(fd, address, address.length))
      checked('listen', sys.listen(fd, 1))
      return fd
    } catch (error) {
      closeSync(fd)
      throw error
    }
  } finally {
    closeSync(folder)
  }
}

/** The next connection to a listening socket; undefined if there is none. */
export function accept(fd: number): number | undefined {
  const connection = sys.accept4(fd, null, null, NONBLOCK | CLOEXEC)
  if (connection >= 0) return connection
  const errno = koffi.errno()
  if (errno === EAGAIN || errno === EINTR || errno === ECONNABORTED) return undefined
  throw new SystemError('accept', errno)
}
