// SPDX-License-Identifier: Apache-2.0
/**
 * The system calls that Node lacks, through koffi: UNIX sockets that receive file descriptors (recvmsg(2), SCM_RIGHTS). Linux
 * on a 64-bit little-endian machine.
 */
import { closeSync, openSync, readlinkSync } from 'node:fs'
import { basename, dirname } from 'node:path'
import koffi from 'koffi'

const libc = koffi.load(null)

const AF_UNIX = 1
const SOCK_STREAM = 1
const SOCK_NONBLOCK = 0o4000
const SOCK_CLOEXEC = 0o2000000
const SOL_SOCKET = 1
const SCM_RIGHTS = 1
const MSG_DONTWAIT = 0x40
const MSG_NOSIGNAL = 0x4000
const MSG_CMSG_CLOEXEC = 0x4000_0000

const F_SETFL = 4
const O_NONBLOCK = 0o4000

const { EAGAIN, EINTR, ECONNABORTED } = koffi.os.errno as Record<'EAGAIN' | 'EINTR' | 'ECONNABORTED', number>

const sys = {
  socket: libc.func('int socket(int domain, int type, int protocol)'),
  bind: libc.func('int bind(int fd, const void *address, uint32_t length)'),
  listen: libc.func('int listen(int fd, int backlog)'),
  accept4: libc.func('int accept4(int fd, void *address, void *length, int flags)'),
  recvmsg: libc.func('int64_t recvmsg(int fd, void *message, int flags)'),
  send: libc.func('int64_t send(int fd, const void *bytes, size_t length, int flags)'),
  fcntl: libc.func('int fcntl(int fd, int command, ...)'),
}

/** A system call failed. */
class SystemError extends Error {
  override readonly name = 'SystemError'

  constructor(call: string, errno: number) {
    const code =
      Object.entries(koffi.os.errno).find(([, number]) => number === errno)?.[0] ?? `error ${errno}`
    super(`${call}: ${code}`)
  }
}

function checked(call: string, result: number): number {
  if (result < 0) throw new SystemError(call, koffi.errno())
  return result
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
    const fd = checked('socket', sys.socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0))
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
  const connection = sys.accept4(fd, null, null, SOCK_NONBLOCK | SOCK_CLOEXEC)
  if (connection >= 0) return connection
  const errno = koffi.errno()
  if (errno === EAGAIN || errno === EINTR || errno === ECONNABORTED) return undefined
  throw new SystemError('accept', errno)
}

/** Memory outside the JavaScript heap, at an address that stays. Never freed: there is a fixed number of them. */
function nativeMemory(size: number): { pointer: unknown; address: bigint; bytes: Buffer; view: DataView } {
  const pointer = koffi.alloc('uint8_t', size)
  const memory = koffi.view(pointer, size)
  const bytes = Buffer.from(memory)
  bytes.fill(0)
  return { pointer, address: koffi.address(pointer), bytes, view: new DataView(memory) }
}

const CHUNK = 256 * 1024
/** The most file descriptors that one message can bring: more than the 8 that the VERSION reply allows. */
const MAX_FDS = 32
const CMSG_HEADER = 16
const CONTROL = CMSG_HEADER + 4 * MAX_FDS
/** `struct msghdr`: name, its length, iovec, their number, control, its length, flags. */
const MSGHDR = { size: 56, iov: 16, iovlen: 24, control: 32, controllen: 40, flags: 48 }

const chunk = nativeMemory(CHUNK)
const control = nativeMemory(CONTROL)
const iovec = nativeMemory(16)
const msghdr = nativeMemory(MSGHDR.size)
iovec.view.setBigUint64(0, chunk.address, true)
iovec.view.setBigUint64(8, BigInt(CHUNK), true)
msghdr.view.setBigUint64(MSGHDR.iov, iovec.address, true)
msghdr.view.setBigUint64(MSGHDR.iovlen, 1n, true)
msghdr.view.setBigUint64(MSGHDR.control, control.address, true)

/** What one read of a socket gave. */
export interface Received {
  /** Valid until the next call of `receive`. */
  bytes: Buffer
  /** The receiver owns them. */
  fds: number[]
}

/** Bytes and file descriptors from a socket: `undefined` if there are none now, `'end'` when the other side has gone. */
export function receive(fd: number): Received | 'end' | undefined {
  msghdr.view.setUint32(MSGHDR.controllen, CONTROL, true)
  const length = sys.recvmsg(fd, msghdr.pointer, MSG_DONTWAIT | MSG_CMSG_CLOEXEC) as number
  if (length < 0) {
    const errno = koffi.errno()
    return errno === EAGAIN || errno === EINTR ? undefined : 'end'
  }
  const fds = msghdr.view.getUint32(MSGHDR.controllen, true) >= CMSG_HEADER ? receivedFds() : []
  // An end can still bring descriptors; they go with it.
  if (length === 0) return 'end'
  return { bytes: chunk.bytes.subarray(0, length), fds }
}

function receivedFds(): number[] {
  const { view } = control
  if (view.getUint32(8, true) !== SOL_SOCKET || view.getUint32(12, true) !== SCM_RIGHTS) return []
  const count = Math.floor((Number(view.getBigUint64(0, true)) - CMSG_HEADER) / 4)
  return Array.from({ length: count }, (_, index) => view.getInt32(CMSG_HEADER + 4 * index, true))
}

/** Sends what the socket takes now: how many bytes, or `'end'` when the other side has gone. */
export function send(fd: number, bytes: Uint8Array): number | 'end' {
  const sent = sys.send(fd, bytes, bytes.length, MSG_DONTWAIT | MSG_NOSIGNAL) as number
  if (sent >= 0) return sent
  const errno = koffi.errno()
  return errno === EAGAIN || errno === EINTR ? 0 : 'end'
}

/** Whether a descriptor that came is an eventfd; if so, writing to it does not block from now on. */
export function prepareEventfd(fd: number): boolean {
  if (readlinkSync(`/proc/self/fd/${fd}`) !== 'anon_inode:[eventfd]') return false
  // It has no other flags of F_SETFL that could be lost.
  checked('fcntl', sys.fcntl(fd, F_SETFL, 'int', O_NONBLOCK))
  return true
}
