// SPDX-License-Identifier: Apache-2.0
/** Bytes over sockets, with file descriptors beside them (recvmsg(2), SCM_RIGHTS). */
import koffi from 'koffi'
import { checked, EAGAIN, EINTR, libc } from './libc.ts'

const SOL_SOCKET = 1
const SCM_RIGHTS = 1
const MSG_DONTWAIT = 0x40
const MSG_NOSIGNAL = 0x4000
const MSG_CMSG_CLOEXEC = 0x4000_0000

const iovecType = koffi.struct({ base: 'const void *', length: 'size_t' })
const msghdrType = koffi.struct({
  ...{ name: 'void *', namelen: 'uint32_t', iov: koffi.pointer(iovecType), iovlen: 'size_t' },
  ...{ control: 'const void *', controllen: 'size_t', flags: 'int' },
})

const sys = {
  recvmsg: libc.func('int64_t recvmsg(int fd, void *message, int flags)'),
  send: libc.func('int64_t send(int fd, const void *bytes, size_t length, int flags)'),
  sendmsg: libc.func('sendmsg', 'int64_t', ['int', koffi.pointer(msghdrType), 'int']),
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

/**
 * Sends a record and copies of file descriptors with it.
 *
 * @throws SystemError when the socket does not take it now.
 */
export function sendRecord(fd: number, bytes: Uint8Array, fds: readonly number[] = []): void {
  const rights = Buffer.alloc(CMSG_HEADER + 4 * fds.length)
  rights.writeBigUInt64LE(BigInt(rights.length), 0)
  rights.writeInt32LE(SOL_SOCKET, 8)
  rights.writeInt32LE(SCM_RIGHTS, 12)
  for (const [index, sent] of fds.entries()) rights.writeInt32LE(sent, CMSG_HEADER + 4 * index)
  const message = {
    ...{ name: null, namelen: 0, iov: [{ base: bytes, length: bytes.length }], iovlen: 1 },
    ...{ control: rights, controllen: rights.length, flags: 0 },
  }
  checked('sendmsg', sys.sendmsg(fd, message, MSG_DONTWAIT | MSG_NOSIGNAL))
}
