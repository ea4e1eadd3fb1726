// SPDX-License-Identifier: Apache-2.0
import { closeSync, fstatSync, readSync, writeSync } from 'node:fs'
import { type Connection, RequestFailed } from './connection.ts'
import { Command, DmaAccess, DmaFlag, Errno, HEADER, MAX_DMA, Refusal, readSize } from './protocol.ts'

/** A piece of guest-physical memory that the client told of. Addresses and sizes in bytes. */
interface Mapping {
  address: number
  size: number
  fd: number | undefined
  /** Where the piece begins in the file. */
  offset: number
  /** Where the file ends. */
  end: number
  readable: boolean
  writable: boolean
}

/** How many pieces one client may map; a machine has a handful. */
const MAX_MAPPINGS = 4096
/** ms that QEMU may take for one message; its own limit the other way is 5000. */
const DEADLINE = 5000

/** A device accessed memory that is not there, or that it may not access. */
export class DmaFault extends Error {
  override readonly name = 'DmaFault'
}

/**
 * The guest's memory, as DMA sees it. Where the client's RAM is a shared file, it is read and written in place; else, and for addresses that
 * are no RAM (an MSI doorbell), by messages.
 */
export class GuestMemory {
  readonly #connection: Connection
  readonly #shared: boolean
  #mappings: Mapping[] = []

  /** `shared`: the files that the client sends are the guest's memory, and not what it was copied from. */
  constructor(connection: Connection, shared: boolean) {
    this.#connection = connection
    this.#shared = shared
  }

  /** Copies guest memory, from a guest-physical address on. */
  async read(address: number, length: number): Promise<Buffer> {
    return this.#readShared(address, length) ?? (await this.#readByMessages(address, length))
  }

  /** Copies into guest memory. */
  async write(address: number, data: Uint8Array): Promise<void> {
    if (!this.#writeShared(address, data)) await this.#writeByMessages(address, data)
  }

  /** As `read`, at once. Only in shared memory. */
  readNow(address: number, length: number): Buffer {
    const data = this.#readShared(address, length)
    if (data) return data
    throw new DmaFault(this.#describe(address, length))
  }

  /** As `write`, at once. Only in shared memory. */
  writeNow(address: number, data: Uint8Array): void {
    if (!this.#writeShared(address, data)) throw new DmaFault(this.#describe(address, data.length))
  }

  /** DMA_MAP: `argsz`, `flags`, offset in the file, address, size. Keeps the descriptor. */
  map(body: Buffer, fds: number[]): void {
    if (body.length < 32) throw new Refusal(Errno.EINVAL, 'DMA_MAP is too short')
    const flags = body.readUInt32LE(4)
    const [offset, address, size] = [readSize(body, 8), readSize(body, 16), readSize(body, 24)]
    if (size === 0 || !Number.isSafeInteger(address + size) || !Number.isSafeInteger(offset + size)) {
      throw new Refusal(Errno.EINVAL, 'DMA_MAP of a range that is none')
    }
    if (flags & ~(DmaFlag.READ | DmaFlag.WRITE)) throw new Refusal(Errno.EINVAL, 'DMA_MAP with unknown flags')
    if (fds.length > 1) throw new Refusal(Errno.EINVAL, 'DMA_MAP with several files')
    if (
      this.#mappings.some((other) => address < other.address + other.size && other.address < address + size)
    ) {
      throw new Refusal(Errno.EEXIST, 'DMA_MAP over a mapping that is there')
    }
    if (this.#mappings.length >= MAX_MAPPINGS) throw new Refusal(Errno.E2BIG, 'too many mappings')
    const [fd] = fds
    const end = fd === undefined ? 0 : fstatSync(fd).size
    const [readable, writable] = [(flags & DmaFlag.READ) !== 0, (flags & DmaFlag.WRITE) !== 0]
    this.#mappings.push({ address, size, fd, offset, end, readable, writable })
    fds.length = 0
  }

  /** DMA_UNMAP: `argsz`, `flags`, address, size. The range covers whole mappings. */
  unmap(body: Buffer): void {
    if (body.length < 24) throw new Refusal(Errno.EINVAL, 'DMA_UNMAP is too short')
    const flags = body.readUInt32LE(4)
    const [address, size] = [readSize(body, 8), readSize(body, 16)]
    if (flags & ~DmaFlag.UNMAP_ALL) throw new Refusal(Errno.ENOTSUP, 'DMA_UNMAP with unknown flags')
    const all = (flags & DmaFlag.UNMAP_ALL) !== 0
    const within = (mapping: Mapping) =>
      all || (mapping.address >= address && mapping.address + mapping.size <= address + size)
    const gone = this.#mappings.filter(within)
    if (gone.length === 0 && !all) throw new Refusal(Errno.ENOENT, 'DMA_UNMAP of what was not mapped')
    this.#mappings = this.#mappings.filter((mapping) => !within(mapping))
    for (const { fd } of gone) if (fd !== undefined) closeSync(fd)
  }

  /** Gives all descriptors back. */
  close(): void {
    for (const { fd } of this.#mappings.splice(0)) if (fd !== undefined) closeSync(fd)
  }

  #find(address: number, length: number): (Mapping & { fd: number }) | undefined {
    if (!this.#shared) return undefined
    return this.#mappings.find(
      (mapping): mapping is Mapping & { fd: number } =>
        mapping.fd !== undefined &&
        mapping.address <= address &&
        address + length <= mapping.address + mapping.size,
    )
  }

  #readShared(address: number, length: number): Buffer | undefined {
    const mapping = this.#find(address, length)
    if (!mapping) return undefined
    if (!mapping.readable) throw new DmaFault(`${this.#describe(address, length)}: it cannot be read`)
    const data = Buffer.allocUnsafe(length)
    this.#inPlace(mapping, address, length, (fd, done, at) => readSync(fd, data, done, length - done, at))
    return data
  }

  #writeShared(address: number, data: Uint8Array): boolean {
    const { length } = data
    const mapping = this.#find(address, length)
    if (!mapping) return false
    if (!mapping.writable) throw new DmaFault(`${this.#describe(address, length)}: it cannot be written`)
    this.#inPlace(mapping, address, length, (fd, done, at) => writeSync(fd, data, done, length - done, at))
    return true
  }

  /** Accesses a mapping's file until all is done; `access` gives how many bytes it did. What goes wrong is a fault of this DMA. */
  #inPlace(
    { fd, offset, address: start, end }: Mapping & { fd: number },
    address: number,
    length: number,
    access: (fd: number, done: number, at: number) => number,
  ): void {
    const fault = (why: string) => new DmaFault(`${this.#describe(address, length)}: ${why}`)
    const at = offset + address - start
    // Else a write would make the file longer.
    if (at + length > end) throw fault('the memory’s file ends before')
    for (let done = 0; done < length; ) {
      let count: number
      try {
        count = access(fd, done, at + done)
      } catch (error) {
        throw fault((error as Error).message)
      }
      if (count === 0) throw fault('the memory’s file takes no more')
      done += count
    }
  }

  async #readByMessages(address: number, length: number): Promise<Buffer> {
    const parts: Buffer[] = []
    for (let done = 0; done < length; done += MAX_DMA) {
      const count = Math.min(length - done, MAX_DMA)
      const body = await this.#request(Command.DMA_READ, address + done, count, 0)
      if (body.length < DmaAccess.data + count)
        throw new DmaFault(`${this.#describe(address, length)}: a short answer`)
      parts.push(body.subarray(DmaAccess.data, DmaAccess.data + count))
    }
    return parts.length === 1 ? (parts[0] as Buffer) : Buffer.concat(parts)
  }

  async #writeByMessages(address: number, data: Uint8Array): Promise<void> {
    for (let done = 0; done < data.length; done += MAX_DMA) {
      const part = data.subarray(done, done + MAX_DMA)
      await this.#request(Command.DMA_WRITE, address + done, part.length, part.length, part)
    }
  }

  async #request(
    command: number,
    address: number,
    count: number,
    room: number,
    data?: Uint8Array,
  ): Promise<Buffer> {
    const message = Buffer.alloc(HEADER.size + DmaAccess.size + room)
    message.writeBigUInt64LE(BigInt(address), HEADER.size + DmaAccess.address)
    message.writeUInt32LE(count, HEADER.size + DmaAccess.count)
    if (data) message.set(data, HEADER.size + DmaAccess.data)
    try {
      return await this.#connection.request(command, message, DEADLINE)
    } catch (error) {
      if (error instanceof RequestFailed)
        throw new DmaFault(`${this.#describe(address, count)}: ${error.message}`)
      throw error
    }
  }

  #describe(address: number, length: number): string {
    return `DMA to 0x${address.toString(16)}, ${length} bytes`
  }
}
