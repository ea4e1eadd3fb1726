// SPDX-License-Identifier: Apache-2.0
import { closeSync, openSync, rmSync } from 'node:fs'
import { accept, listenAt, Watch } from '../system/index.ts'
import { Connection } from './connection.ts'
import type { VfioUserDevice } from './device.ts'
import { InterruptLines } from './interrupts.ts'
import { GuestMemory } from './memory.ts'
import {
  Command,
  DeviceFlag,
  Errno,
  HEADER,
  Irq,
  IrqFlag,
  MAX_TRANSFER,
  type Message,
  REGION_SHIFT,
  Refusal,
  Region,
  RegionFlag,
} from './protocol.ts'

export interface ServerOptions {
  /** The files that the client sends are its guest's memory: DMA goes into them. Else it goes by messages. */
  sharedMemory: boolean
  /** Gets what a device's own code threw. */
  failed: (error: unknown) => void
}

/** Linux, include/uapi/asm-generic/fcntl.h. */
const O_PATH = 0o10000000

/** Serves one device at a socket, to one client at a time. */
export class VfioUserServer {
  readonly #device: VfioUserDevice
  readonly #options: ServerOptions
  readonly #path: string
  readonly #fd: number
  readonly #watch: Watch
  #session: Session | undefined
  #listens = true
  /** File descriptor of the socket's place in the file system, when it has no name there any more. */
  #hidden: number | undefined

  /** Listens at `path`. */
  constructor(path: string, device: VfioUserDevice, options: ServerOptions) {
    this.#device = device
    this.#options = options
    this.#path = path
    this.#fd = listenAt(path)
    this.#watch = new Watch(this.#fd, { readable: () => this.#accept() })
  }

  /**
   * Takes the socket out of its folder, so that it goes with this process however that ends. The path that comes back leads to it all the
   * same, for this user's processes (proc(5), /proc/PID/fd).
   */
  hide(): string {
    this.#hidden ??= openSync(this.#path, O_PATH)
    rmSync(this.#path, { force: true })
    return `/proc/${process.pid}/fd/${this.#hidden}`
  }

  /** Nobody else can connect from now on. */
  listenNoMore(): void {
    if (!this.#listens) return
    this.#listens = false
    this.#watch.close()
    closeSync(this.#fd)
    if (this.#hidden === undefined) rmSync(this.#path, { force: true })
    else closeSync(this.#hidden)
  }

  /** What the client has sent until now has come to the device when it returns: it waits for no answer to some of its writes. */
  fetch(): void {
    this.#session?.fetch()
  }

  close(): void {
    this.listenNoMore()
    this.#session?.close()
  }

  #accept(): void {
    const fd = this.#nextClient()
    if (fd === undefined) return
    if (this.#session) closeSync(fd)
    else {
      this.#session = new Session(fd, this.#device, this.#options, () => {
        this.#session = undefined
      })
    }
  }

  #nextClient(): number | undefined {
    try {
      return accept(this.#fd)
    } catch (error) {
      // No descriptors are left, and the client would be announced over and over: no more are taken.
      this.#watch.close()
      this.#options.failed(error)
      return undefined
    }
  }
}

type Answer = Buffer | undefined | Promise<Buffer | undefined>

/** A reply whose body begins like the request's. */
function echo(body: Buffer, length: number): Buffer {
  const reply = Buffer.alloc(HEADER.size + length)
  body.copy(reply, HEADER.size, 0, Math.min(length, body.length))
  return reply
}

/** What one client and the device say to each other. */
class Session {
  readonly #device: VfioUserDevice
  readonly #failed: (error: unknown) => void
  readonly #connection: Connection
  readonly #memory: GuestMemory
  readonly #interrupts: InterruptLines
  #negotiated = false

  constructor(fd: number, device: VfioUserDevice, options: ServerOptions, ended: () => void) {
    this.#device = device
    this.#failed = options.failed
    this.#connection = new Connection(fd, {
      request: (message) => this.#handle(message),
      ended: () => {
        this.#memory.close()
        this.#interrupts.close()
        if (this.#negotiated) device.disconnected()
        ended()
      },
    })
    this.#memory = new GuestMemory(this.#connection, options.sharedMemory)
    this.#interrupts = new InterruptLines(device.interruptCounts)
  }

  fetch(): void {
    this.#connection.fetch()
  }

  close(): void {
    this.#connection.close()
  }

  #handle(message: Message): void {
    try {
      const answer = this.#answer(message)
      if (answer instanceof Promise) this.#finishLater(message, answer)
      else this.#finish(message, answer)
    } catch (error) {
      this.#fail(message, error)
    } finally {
      // What was not kept is nobody's.
      for (const fd of message.fds) closeSync(fd)
    }
  }

  /** The body and the descriptors are there during the call only; what the answer needs of the message stays. */
  #finishLater(request: Message, answer: Promise<Buffer | undefined>): void {
    answer.then(
      (reply) => this.#finish(request, reply),
      (error: unknown) => this.#fail(request, error),
    )
  }

  #finish(request: Message, reply: Buffer | undefined): void {
    this.#connection.reply(request, reply ?? Buffer.alloc(HEADER.size))
  }

  #fail(request: Message, error: unknown): void {
    if (!(error instanceof Refusal)) this.#failed(error)
    this.#connection.refuse(request, error instanceof Refusal ? error.errno : Errno.EIO)
  }

  #answer(message: Message): Answer {
    const { command, body, fds } = message
    if (!this.#negotiated) {
      if (command !== Command.VERSION) throw new Refusal(Errno.EINVAL, 'a command before VERSION')
      return this.#version(body)
    }
    switch (command) {
      case Command.REGION_READ:
        return this.#read(body)
      case Command.REGION_WRITE:
        return this.#write(body)
      case Command.DMA_MAP:
        this.#memory.map(body, fds)
        return undefined
      case Command.DMA_UNMAP:
        this.#memory.unmap(body)
        return echo(body, 24)
      case Command.DEVICE_GET_INFO:
        return this.#info(body)
      case Command.DEVICE_GET_REGION_INFO:
        return this.#regionInfo(body)
      case Command.DEVICE_GET_IRQ_INFO:
        return this.#irqInfo(body)
      case Command.DEVICE_SET_IRQS:
        this.#interrupts.set(body, fds)
        return undefined
      case Command.DEVICE_RESET:
        this.#interrupts.reset()
        this.#device.reset()
        return undefined
      case Command.VERSION:
        throw new Refusal(Errno.EINVAL, 'a second VERSION')
      default:
        throw new Refusal(Errno.ENOSYS, `command ${command} is not known`)
    }
  }

  /** VERSION: major, minor, capabilities as JSON. The answer must not be longer than the request: QEMU reads it into the same buffer. */
  #version(body: Buffer): Buffer {
    if (body.length < 4) throw new Refusal(Errno.EINVAL, 'VERSION is too short')
    if (body.readUInt16LE(0) !== 0) throw new Refusal(Errno.ENOTSUP, 'only major version 0 is spoken')
    const capabilities = { max_msg_fds: 8, max_data_xfer_size: MAX_TRANSFER, write_multiple: false }
    const text = Buffer.from(`${JSON.stringify({ capabilities })}\0`)
    const fits = 4 + text.length <= body.length
    const reply = Buffer.alloc(HEADER.size + 4 + (fits ? text.length : 0))
    if (fits) text.copy(reply, HEADER.size + 4)
    this.#negotiated = true
    this.#device.connected({ memory: this.#memory, interrupts: this.#interrupts })
    return reply
  }

  /** `struct vfio_device_info`: argsz, flags, regions, interrupt kinds. */
  #info(body: Buffer): Buffer {
    if (body.length < 16) throw new Refusal(Errno.EINVAL, 'DEVICE_GET_INFO is too short')
    const reply = echo(body, 16)
    reply.writeUInt32LE(16, HEADER.size)
    reply.writeUInt32LE(DeviceFlag.RESET | DeviceFlag.PCI, HEADER.size + 4)
    reply.writeUInt32LE(Region.COUNT, HEADER.size + 8)
    reply.writeUInt32LE(Irq.COUNT, HEADER.size + 12)
    return reply
  }

  /** `struct vfio_region_info`: argsz, flags, index, offset of capabilities, size, offset of the region. */
  #regionInfo(body: Buffer): Buffer {
    if (body.length < 32) throw new Refusal(Errno.EINVAL, 'DEVICE_GET_REGION_INFO is too short')
    const index = body.readUInt32LE(8)
    if (index >= Region.COUNT) throw new Refusal(Errno.EINVAL, `there is no region ${index}`)
    const size = this.#device.regions[index]?.size ?? 0
    const reply = echo(body, 32)
    reply.writeUInt32LE(32, HEADER.size)
    reply.writeUInt32LE(size > 0 ? RegionFlag.READ | RegionFlag.WRITE : 0, HEADER.size + 4)
    reply.writeUInt32LE(0, HEADER.size + 12)
    reply.writeBigUInt64LE(BigInt(size), HEADER.size + 16)
    reply.writeBigUInt64LE(BigInt(index) << REGION_SHIFT, HEADER.size + 24)
    return reply
  }

  /** `struct vfio_irq_info`: argsz, flags, index, count. */
  #irqInfo(body: Buffer): Buffer {
    if (body.length < 16) throw new Refusal(Errno.EINVAL, 'DEVICE_GET_IRQ_INFO is too short')
    const index = body.readUInt32LE(8)
    if (index >= Irq.COUNT) throw new Refusal(Errno.EINVAL, `there are no interrupts of kind ${index}`)
    const more = index === Irq.INTX ? IrqFlag.MASKABLE | IrqFlag.AUTOMASKED : IrqFlag.NORESIZE
    const reply = echo(body, 16)
    reply.writeUInt32LE(16, HEADER.size)
    reply.writeUInt32LE(IrqFlag.EVENTFD | more, HEADER.size + 4)
    reply.writeUInt32LE(this.#device.interruptCounts[index] ?? 0, HEADER.size + 12)
    return reply
  }

  /** REGION_READ: offset, region, count. */
  #read(body: Buffer): Buffer | Promise<Buffer> {
    const { offset, region, count } = this.#access(body)
    const reply = Buffer.allocUnsafe(HEADER.size + 16 + count)
    body.copy(reply, HEADER.size, 0, 16)
    const pending = this.#device.read(region, offset, reply.subarray(HEADER.size + 16))
    return pending ? pending.then(() => reply) : reply
  }

  /** REGION_WRITE: offset, region, count, data. */
  #write(body: Buffer): Buffer | Promise<Buffer> {
    const { offset, region, count } = this.#access(body)
    if (body.length < 16 + count) throw new Refusal(Errno.EINVAL, 'REGION_WRITE with too few data')
    const reply = echo(body, 16)
    const pending = this.#device.write(region, offset, body.subarray(16, 16 + count))
    return pending ? pending.then(() => reply) : reply
  }

  #access(body: Buffer): { offset: number; region: number; count: number } {
    if (body.length < 16) throw new Refusal(Errno.EINVAL, 'an access that is too short')
    const region = body.readUInt32LE(8)
    const count = body.readUInt32LE(12)
    const size = this.#device.regions[region]?.size ?? 0
    const high = body.readUInt32LE(4)
    const offset = high * 2 ** 32 + body.readUInt32LE(0)
    if (count === 0 || count > MAX_TRANSFER) throw new Refusal(Errno.EINVAL, `an access of ${count} bytes`)
    if (offset + count > size) throw new Refusal(Errno.EINVAL, `region ${region} ends at ${size}`)
    return { offset, region, count }
  }
}
