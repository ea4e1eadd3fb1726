// SPDX-License-Identifier: Apache-2.0
/** A vfio-user client that says whatever it is told to, well-formed or not, and what it needs of the system. */
import { closeSync, fstatSync, ftruncateSync, readdirSync, readSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import koffi from 'koffi'
import {
  Command,
  DmaAccess,
  Flag,
  HEADER,
  type Header,
  readHeader,
} from '../../harness/vfio-user/protocol.ts'

const libc = koffi.load(null)
const sys = {
  eventfd: libc.func('int eventfd(unsigned int initial, int flags)'),
  memfd: libc.func('int memfd_create(const char *name, unsigned int flags)'),
  sendmsg: libc.func('int64_t sendmsg(int fd, const void *message, int flags)'),
}

const SOL_SOCKET = 1
const SCM_RIGHTS = 1
const EFD_NONBLOCK = 0o4000
const MSG_NOSIGNAL = 0x4000

export const newEventfd = (flags = EFD_NONBLOCK): number => sys.eventfd(0, flags)

/** What an eventfd has counted since it was last asked; 0 if nothing. */
export function counted(fd: number): number {
  const value = Buffer.alloc(8)
  try {
    readSync(fd, value)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EAGAIN') throw error
  }
  return Number(value.readBigUInt64LE())
}

/** A file without a name, such as an emulator has for its RAM. */
export function newMemory(size: number): number {
  const fd = sys.memfd('ram', 0)
  ftruncateSync(fd, size)
  return fd
}

export const openFds = (): number => readdirSync('/proc/self/fd').length

/** How many descriptors of this process are the file of `fd`. */
export function copiesOf(fd: number): number {
  const { ino, dev } = fstatSync(fd)
  const same = (name: string) => {
    try {
      const other = fstatSync(Number(name))
      return other.ino === ino && other.dev === dev
    } catch {
      return false
    }
  }
  return readdirSync('/proc/self/fd').filter(same).length
}

export function message(
  command: number,
  body: Uint8Array = Buffer.alloc(0),
  { id = 1, flags = 0, length }: { id?: number; flags?: number; length?: number } = {},
): Buffer {
  const bytes = Buffer.alloc(HEADER.size + body.length)
  bytes.writeUInt16LE(id, HEADER.id)
  bytes.writeUInt16LE(command, HEADER.command)
  bytes.writeUInt32LE(length ?? bytes.length, HEADER.length)
  bytes.writeUInt32LE(flags, HEADER.flags)
  bytes.set(body, HEADER.size)
  return bytes
}

/** 32-bit numbers, and bigints of 64 bits. */
export function words(...values: (number | bigint)[]): Buffer {
  return Buffer.concat(
    values.map((value) => {
      const bytes = Buffer.alloc(typeof value === 'bigint' ? 8 : 4)
      if (typeof value === 'bigint') bytes.writeBigUInt64LE(value)
      else bytes.writeUInt32LE(value)
      return bytes
    }),
  )
}

/** Bodies, as QEMU sends them. */
export const body = {
  version: (major = 0, text = '{"capabilities":{"max_msg_fds":8,"max_data_xfer_size":1048576}}\0') =>
    Buffer.concat([words(major), Buffer.from(text.padEnd(256, ' '))]),
  info: () => words(16, 0, 0, 0),
  regionInfo: (index: number) => words(32, 0, index, 0, 0n, 0n),
  irqInfo: (index: number) => words(16, 0, index, 0),
  access: (region: number, offset: number, count: number) => words(BigInt(offset), region, count),
  write: (region: number, offset: number, data: Uint8Array) =>
    Buffer.concat([words(BigInt(offset), region, data.length), data]),
  map: (address: number, size: number, { flags = 3, offset = 0 } = {}) =>
    words(32, flags, BigInt(offset), BigInt(address), BigInt(size)),
  unmap: (address: number, size: number, flags = 0) => words(24, flags, BigInt(address), BigInt(size)),
  setIrqs: (flags: number, index: number, start: number, count: number, data: number[] = []) =>
    Buffer.concat([words(20 + data.length, flags, index, start, count), Buffer.from(data)]),
}

export interface Incoming extends Header {
  body: Buffer
}

/** Generous: it is reached only when something is wrong. */
const DEADLINE = 5000

export class Client {
  readonly socket: Socket
  /** Came and was not asked for yet. */
  readonly received: Incoming[] = []
  closed = false
  #bytes: Buffer = Buffer.alloc(0)
  #nextId = 100

  private constructor(socket: Socket) {
    this.socket = socket
    socket.on('data', (bytes) => this.#take(bytes as Buffer))
    socket.on('error', () => {})
    socket.on('close', () => {
      this.closed = true
    })
  }

  static connect(path: string): Promise<Client> {
    const socket = connect(path)
    const client = new Client(socket)
    return new Promise((resolve, reject) => {
      socket.once('connect', () => resolve(client))
      socket.once('error', reject)
    })
  }

  /** As it is, in one system call, with descriptors if there are some. */
  send(bytes: Uint8Array, fds: readonly number[] = []): void {
    if (fds.length === 0) {
      this.socket.write(bytes)
      return
    }
    const control = Buffer.alloc(16 + 8 * Math.ceil(fds.length / 2))
    control.writeBigUInt64LE(BigInt(16 + 4 * fds.length), 0)
    control.writeUInt32LE(SOL_SOCKET, 8)
    control.writeUInt32LE(SCM_RIGHTS, 12)
    for (const [index, fd] of fds.entries()) control.writeInt32LE(fd, 16 + 4 * index)
    const iovec = words(koffi.address(bytes), BigInt(bytes.length))
    const header = words(
      ...[0n, 0n, koffi.address(iovec), 1n],
      ...[koffi.address(control), BigInt(control.length), 0n],
    )
    const { fd } = (this.socket as unknown as { _handle: { fd: number } })._handle
    const sent = sys.sendmsg(fd, header, MSG_NOSIGNAL)
    if (sent !== bytes.length) throw new Error(`sent ${sent} of ${bytes.length} bytes`)
  }

  /** The answer to a request. */
  async call(command: number, request?: Uint8Array, fds: readonly number[] = []): Promise<Incoming> {
    const id = this.#nextId++
    this.send(message(command, request, { id }), fds)
    return await this.answer(id)
  }

  /** The reply with that id, whatever comes before it. */
  async answer(id: number): Promise<Incoming> {
    return await this.#find(
      `the reply ${id}`,
      (incoming) => incoming.id === id && (incoming.flags & Flag.TYPE) === Flag.REPLY,
    )
  }

  /** The next request of the server's. */
  async request(): Promise<Incoming> {
    return await this.#find('a request', ({ flags }) => (flags & Flag.TYPE) === Flag.REQUEST)
  }

  /** The error of the answer to a request; 0 for none. */
  async error(command: number, request?: Uint8Array, fds: readonly number[] = []): Promise<number> {
    const { flags, error } = await this.call(command, request, fds)
    return flags & Flag.ERROR ? error : 0
  }

  /** What the server reads in our memory. */
  answerDma(request: Incoming, data: Uint8Array = Buffer.alloc(0)): void {
    const reply = Buffer.concat([request.body.subarray(0, DmaAccess.size), data])
    this.send(message(request.command, reply, { id: request.id, flags: Flag.REPLY }))
  }

  async negotiate(): Promise<this> {
    await this.call(Command.VERSION, body.version())
    return this
  }

  async read(region: number, offset: number, count: number): Promise<Buffer> {
    const reply = await this.call(Command.REGION_READ, body.access(region, offset, count))
    if (reply.flags & Flag.ERROR) throw new Error(`error ${reply.error}`)
    return reply.body.subarray(16)
  }

  async ended(): Promise<void> {
    await until('the end of the connection', () => this.closed)
  }

  close(): void {
    this.socket.destroy()
  }

  async #find(what: string, wanted: (incoming: Incoming) => boolean): Promise<Incoming> {
    await until(what, () => this.received.some(wanted) || this.closed)
    const index = this.received.findIndex(wanted)
    const [found] = index < 0 ? [] : this.received.splice(index, 1)
    if (!found) throw new Error(`the connection ended before ${what} came`)
    return found
  }

  #take(bytes: Buffer): void {
    this.#bytes = this.#bytes.length === 0 ? bytes : Buffer.concat([this.#bytes, bytes])
    while (this.#bytes.length >= HEADER.size) {
      const length = this.#bytes.readUInt32LE(HEADER.length)
      if (this.#bytes.length < length) return
      const whole = this.#bytes.subarray(0, length)
      this.#bytes = this.#bytes.subarray(length)
      this.received.push({ ...readHeader(whole), body: whole.subarray(HEADER.size) })
    }
  }
}

/** Looks at every turn of the event loop. */
export async function until(what: string, condition: () => boolean): Promise<void> {
  const deadline = performance.now() + DEADLINE
  while (!condition()) {
    if (performance.now() > deadline) throw new Error(`waited ${DEADLINE} ms in vain for ${what}`)
    await setTimeout(1)
  }
}

export function closeAll(fds: number[]): void {
  for (const fd of fds.splice(0)) closeSync(fd)
}
