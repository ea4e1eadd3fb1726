// SPDX-License-Identifier: Apache-2.0
/** The protocol over a real socket, by a client that can also say what it should not. */
import {
  fstatSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  DmaFault,
  type Upstream,
  type VfioUserDevice,
  VfioUserServer,
} from '../../harness/vfio-user/index.ts'
import {
  Command,
  Errno,
  Flag,
  Irq,
  MAX_DMA,
  MAX_MESSAGE,
  MAX_TRANSFER,
  Region,
  SetIrqs,
} from '../../harness/vfio-user/protocol.ts'
import {
  body,
  Client,
  closeAll,
  copiesOf,
  counted,
  message,
  newEventfd,
  newMemory,
  openFds,
  until,
  words,
} from './client.ts'

/** Registers whose accesses do something else than memory. */
const THROWS = 0x800
const THROWS_LATE = 0x804
const LATE = 0x808

/** 4 KiB of memory in BAR 0, a configuration space, interrupts of every kind. */
class TestDevice implements VfioUserDevice {
  readonly regions = Array.from({ length: Region.COUNT }, (_, index) =>
    index === 0 ? { size: 4096 } : index === Region.CONFIG ? { size: 256 } : undefined,
  )
  readonly interruptCounts = [1, 4, 8, 1, 1]
  readonly memory = [
    Buffer.alloc(4096, 0x11),
    ...Array(6).fill(Buffer.alloc(0)),
    Buffer.alloc(256, 0x77),
  ] as Buffer[]
  readonly error = new Error('of the model’s own')
  readonly said: string[] = []
  upstream: Upstream | undefined
  /** Ends what waits at `LATE`. */
  readonly late: (() => void)[] = []

  read(region: number, offset: number, into: Buffer): void | Promise<void> {
    const act = () => void this.memory[region]?.copy(into, 0, offset)
    return this.#act(offset, act)
  }

  write(region: number, offset: number, data: Buffer): void | Promise<void> {
    return this.#act(offset, () => void data.copy(this.memory[region] as Buffer, offset))
  }

  reset(): void {
    this.said.push('reset')
  }

  connected(upstream: Upstream): void {
    this.said.push('connected')
    this.upstream = upstream
  }

  disconnected(): void {
    this.said.push('disconnected')
  }

  #act(offset: number, act: () => void): void | Promise<void> {
    if (offset === THROWS) throw this.error
    if (offset === THROWS_LATE) return Promise.reject(this.error)
    if (offset === LATE) return new Promise<void>((resolve) => this.late.push(resolve)).then(act)
    act()
  }
}

let dir: string
let path: string
let device: TestDevice
let server: VfioUserServer
let failures: unknown[]
const clients: Client[] = []
const fds: number[] = []

function serve(sharedMemory = true): void {
  path = join(dir, `${sharedMemory}.sock`)
  device = new TestDevice()
  failures = []
  server = new VfioUserServer(path, device, { sharedMemory, failed: (error) => failures.push(error) })
}

async function connect(): Promise<Client> {
  const client = await Client.connect(path)
  clients.push(client)
  return client
}

const negotiated = async (): Promise<Client> => await (await connect()).negotiate()

/** A descriptor that is closed after the test. */
function kept(fd: number): number {
  fds.push(fd)
  return fd
}

/** What a promise rejects with. */
const rejection = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  )

function thrown(work: () => unknown): unknown {
  try {
    work()
  } catch (error) {
    return error
  }
  return undefined
}

let before: number
/** Descriptors that a server has without a client. */
const LISTENING = 1

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'guestrig-vfio-user-'))
  before = openFds()
  serve()
})

afterEach(async () => {
  for (const client of clients.splice(0)) client.close()
  server.close()
  closeAll(fds)
  rmSync(dir, { recursive: true })
  await until('every descriptor to be given back', () => openFds() <= before)
})

describe('VERSION', () => {
  test('is answered with 0.0 and what the server can do, no longer than it was', async () => {
    const client = await connect()
    const reply = await client.call(Command.VERSION, body.version())
    expect(reply).toMatchObject({ command: Command.VERSION, flags: Flag.REPLY, error: 0 })
    expect([reply.body.readUInt16LE(0), reply.body.readUInt16LE(2)]).toEqual([0, 0])
    const text = reply.body.toString('utf8', 4)
    expect(text.endsWith('\0')).toBe(true)
    expect(JSON.parse(text.slice(0, -1))).toEqual({
      capabilities: { max_msg_fds: 8, max_data_xfer_size: MAX_TRANSFER, write_multiple: false },
    })
    expect(device.said).toEqual(['connected'])
  })

  test('without room for the capabilities is answered without them', async () => {
    const reply = await (await connect()).call(Command.VERSION, words(0))
    expect(reply).toMatchObject({ flags: Flag.REPLY, body: words(0) })
  })

  test('of another major number is refused, and can be followed by one that is spoken', async () => {
    const client = await connect()
    expect(await client.error(Command.VERSION, body.version(1))).toBe(Errno.ENOTSUP)
    expect(await client.error(Command.VERSION, Buffer.alloc(3))).toBe(Errno.EINVAL)
    expect(device.said).toEqual([])
    expect(await client.error(Command.VERSION, body.version())).toBe(0)
  })

  test('comes first, and once', async () => {
    const client = await connect()
    for (const command of [Command.DEVICE_GET_INFO, Command.DEVICE_RESET, Command.DMA_MAP, 99])
      expect(await client.error(command, body.info())).toBe(Errno.EINVAL)
    expect(device.said).toEqual([])
    await client.negotiate()
    expect(await client.error(Command.VERSION, body.version())).toBe(Errno.EINVAL)
    expect(device.said).toEqual(['connected'])
  })
})

describe('what there is', () => {
  test('DEVICE_GET_INFO: a PCI device with reset, nine regions, five kinds of interrupt', async () => {
    const client = await negotiated()
    expect((await client.call(Command.DEVICE_GET_INFO, body.info())).body).toEqual(words(16, 3, 9, 5))
    expect(await client.error(Command.DEVICE_GET_INFO, Buffer.alloc(15))).toBe(Errno.EINVAL)
  })

  test.each([
    [0, 3, 4096],
    [1, 0, 0],
    [6, 0, 0],
    [7, 3, 256],
    [8, 0, 0],
  ])('DEVICE_GET_REGION_INFO of %i', async (index, flags, size) => {
    const reply = await (await negotiated()).call(Command.DEVICE_GET_REGION_INFO, body.regionInfo(index))
    expect(reply.body).toEqual(words(32, flags, index, 0, BigInt(size), BigInt(index) << 40n))
  })

  test.each([
    [Irq.INTX, 7, 1],
    [Irq.MSI, 9, 4],
    [Irq.MSIX, 9, 8],
    [Irq.ERR, 9, 1],
    [Irq.REQ, 9, 1],
  ])('DEVICE_GET_IRQ_INFO of %i', async (index, flags, count) => {
    const reply = await (await negotiated()).call(Command.DEVICE_GET_IRQ_INFO, body.irqInfo(index))
    expect(reply.body).toEqual(words(16, flags, index, count))
  })

  test('what there is not', async () => {
    const client = await negotiated()
    expect(await client.error(Command.DEVICE_GET_REGION_INFO, body.regionInfo(9))).toBe(Errno.EINVAL)
    expect(await client.error(Command.DEVICE_GET_REGION_INFO, Buffer.alloc(31))).toBe(Errno.EINVAL)
    expect(await client.error(Command.DEVICE_GET_IRQ_INFO, body.irqInfo(5))).toBe(Errno.EINVAL)
    expect(await client.error(Command.DEVICE_GET_IRQ_INFO, Buffer.alloc(15))).toBe(Errno.EINVAL)
    for (const command of [0, Command.DEVICE_GET_REGION_IO_FDS, Command.DMA_READ, 14, 0xffff])
      expect(await client.error(command, body.info())).toBe(Errno.ENOSYS)
  })
})

describe('accesses', () => {
  test('are answered with what was asked for in front of the data', async () => {
    const client = await negotiated()
    device.memory[0]?.write('register', 0x20)
    const { body: answer } = await client.call(Command.REGION_READ, body.access(0, 0x20, 8))
    expect(answer).toEqual(Buffer.concat([body.access(0, 0x20, 8), Buffer.from('register')]))
    const written = await client.call(
      Command.REGION_WRITE,
      body.write(Region.CONFIG, 0xfc, words(0x01020304)),
    )
    expect(written.body).toEqual(body.access(Region.CONFIG, 0xfc, 4))
    expect(await client.read(Region.CONFIG, 0xf8, 8)).toEqual(words(0x77777777, 0x01020304))
    expect(await client.read(0, 0xfff, 1)).toEqual(Buffer.from([0x11]))
  })

  test('that are posted are not answered, whether or not they can be done', async () => {
    const client = await negotiated()
    const flags = Flag.NO_REPLY
    client.send(message(Command.REGION_WRITE, body.write(0, 0, words(1)), { id: 1, flags }))
    client.send(message(Command.REGION_WRITE, body.write(0, 5000, words(1)), { id: 2, flags }))
    client.send(message(Command.REGION_WRITE, body.write(0, THROWS, words(1)), { id: 3, flags }))
    client.send(message(Command.REGION_WRITE, body.write(0, THROWS_LATE, words(1)), { id: 4, flags }))
    expect(await client.read(0, 0, 4)).toEqual(words(1))
    expect(client.received).toEqual([])
    expect(failures).toEqual([device.error, device.error])
  })

  test('that are posted have been done once they are fetched, whatever else waits in the event loop', async () => {
    server.fetch()
    const client = await negotiated()
    for (const value of [1, 2]) {
      client.send(message(Command.REGION_WRITE, body.write(0, 0, words(value)), { flags: Flag.NO_REPLY }))
      server.fetch()
      expect(device.memory[0]?.readUInt32LE(0)).toBe(value)
    }
    server.close()
    server.fetch()
  })

  test.each([
    ['past the end', 0, 4094, 4],
    ['of a region that is not there', 3, 0, 4],
    ['of region 9', 9, 0, 4],
    ['of no bytes', 0, 0, 0],
    ['of too many bytes', 0, 0, MAX_TRANSFER + 1],
    ['of 4 GiB', 0, 0, 0xffff_ffff],
    ['at 2^63', 0, 2 ** 63, 4],
  ])('%s are refused', async (_, region, offset, count) => {
    const client = await negotiated()
    expect(await client.error(Command.REGION_READ, body.access(region, offset, count))).toBe(Errno.EINVAL)
    const write = Buffer.concat([body.access(region, offset, count), Buffer.alloc(16)])
    expect(await client.error(Command.REGION_WRITE, write)).toBe(Errno.EINVAL)
    expect(failures).toEqual([])
  })

  test('that are cut short are refused', async () => {
    const client = await negotiated()
    expect(await client.error(Command.REGION_READ, Buffer.alloc(15))).toBe(Errno.EINVAL)
    expect(await client.error(Command.REGION_WRITE, body.access(0, 0, 4))).toBe(Errno.EINVAL)
    expect(device.memory[0]).toEqual(Buffer.alloc(4096, 0x11))
  })

  test('may be answered late, and out of order', async () => {
    const client = await negotiated()
    client.send(message(Command.REGION_READ, body.access(0, LATE, 2), { id: 7 }))
    client.send(message(Command.REGION_READ, body.access(0, LATE, 4), { id: 8 }))
    expect(await client.read(0, 0, 4)).toEqual(words(0x11111111))
    expect(client.received).toEqual([])
    device.late[1]?.()
    expect((await client.answer(8)).body).toHaveLength(20)
    expect(client.received).toEqual([])
    device.late[0]?.()
    expect((await client.answer(7)).body).toHaveLength(18)
  })

  test('that are answered when the client has gone harm nobody', async () => {
    const client = await negotiated()
    client.send(message(Command.REGION_READ, body.access(0, LATE, 2)))
    await until('the read', () => device.late.length > 0)
    client.close()
    await until('the end', () => device.said.includes('disconnected'))
    device.late[0]?.()
    expect(await (await negotiated()).read(0, 0, 4)).toEqual(words(0x11111111))
  })

  test.each([THROWS, THROWS_LATE])('at 0x%s end with EIO, and the model’s error is told', async (offset) => {
    const client = await negotiated()
    expect(await client.error(Command.REGION_READ, body.access(0, offset, 4))).toBe(Errno.EIO)
    expect(await client.error(Command.REGION_WRITE, body.write(0, offset, words(1)))).toBe(Errno.EIO)
    expect(failures).toEqual([device.error, device.error])
    expect(await client.read(0, 0, 4)).toEqual(words(0x11111111))
  })

  test('DEVICE_RESET resets the device', async () => {
    const client = await negotiated()
    expect(await client.error(Command.DEVICE_RESET)).toBe(0)
    expect(device.said).toEqual(['connected', 'reset'])
  })
})

const RAM = { address: 0x4000_0000, size: 0x10000 }
const { address: ADDRESS, size: SIZE } = RAM

describe('DMA in shared memory', () => {
  let client: Client
  let ram: number
  const memory = () => (device.upstream as Upstream).memory
  const map = (fd: number, options?: { flags?: number; offset?: number }, address = ADDRESS, size = SIZE) =>
    client.error(Command.DMA_MAP, body.map(address, size, options), [fd])

  beforeEach(async () => {
    client = await negotiated()
    ram = kept(newMemory(2 * SIZE))
  })

  test('reads and writes the file where the guest has it', async () => {
    expect(await map(ram, { offset: SIZE })).toBe(0)
    writeSync(ram, 'from the guest', SIZE + 0x100)
    expect((await memory().read(ADDRESS + 0x100, 14)).toString()).toBe('from the guest')
    expect(
      memory()
        .readNow(ADDRESS + 0x105, 3)
        .toString(),
    ).toBe('the')
    await memory().write(ADDRESS + SIZE - 6, Buffer.from('device'))
    memory().writeNow(ADDRESS, Buffer.from('now'))
    const held = Buffer.alloc(2 * SIZE)
    readSync(ram, held, 0, held.length, 0)
    expect(held.toString('latin1', 2 * SIZE - 6)).toBe('device')
    expect(held.toString('latin1', SIZE, SIZE + 3)).toBe('now')
    expect(client.received).toEqual([])
  })

  test('is a fault where nothing is mapped, or not that way', async () => {
    await map(ram, { flags: 1 })
    await map(ram, { flags: 2 }, ADDRESS + SIZE)
    expect(thrown(() => memory().readNow(ADDRESS - 1, 2))).toBeInstanceOf(DmaFault)
    expect(thrown(() => memory().writeNow(ADDRESS, Buffer.alloc(4)))).toBeInstanceOf(DmaFault)
    expect(await rejection(memory().write(ADDRESS, Buffer.alloc(4)))).toBeInstanceOf(DmaFault)
    expect(thrown(() => memory().readNow(ADDRESS + SIZE, 4))).toBeInstanceOf(DmaFault)
    memory().writeNow(ADDRESS + SIZE, Buffer.alloc(4))
    expect(memory().readNow(ADDRESS, 4)).toHaveLength(4)
  })

  test.each<[string, () => number]>([
    ['an eventfd', () => newEventfd()],
    ['a folder', () => openSync('/', 'r')],
    ['a device', () => openSync('/dev/null', 'r+')],
    ['a file of no bytes', () => newMemory(0)],
    ['memory that cannot be read or written', () => openSync('/proc/self/mem', 'r')],
  ])('is a fault in %s', async (_, open) => {
    expect(await map(kept(open()))).toBe(0)
    for (const work of [memory().read(ADDRESS, 16), memory().write(ADDRESS, Buffer.alloc(16))])
      expect(await rejection(work)).toBeInstanceOf(DmaFault)
    expect(thrown(() => memory().readNow(ADDRESS, 4))).toBeInstanceOf(DmaFault)
    expect(thrown(() => memory().writeNow(ADDRESS, Buffer.alloc(4)))).toBeInstanceOf(DmaFault)
    expect(await client.read(0, 0, 4)).toEqual(words(0x11111111))
  })

  test('is a fault in a file that the client may only read, or only write', async () => {
    const file = join(dir, 'ram')
    writeFileSync(file, Buffer.alloc(SIZE))
    await map(kept(openSync(file, 'r')))
    await map(kept(openSync(file, 'a')), {}, ADDRESS + SIZE)
    expect(thrown(() => memory().writeNow(ADDRESS, Buffer.alloc(4)))).toBeInstanceOf(DmaFault)
    expect(thrown(() => memory().readNow(ADDRESS + SIZE, 4))).toBeInstanceOf(DmaFault)
  })

  test('does not make a file longer', async () => {
    const short = kept(newMemory(100))
    await map(short)
    expect(thrown(() => memory().readNow(ADDRESS + 98, 4))).toBeInstanceOf(DmaFault)
    expect(thrown(() => memory().writeNow(ADDRESS + 98, Buffer.alloc(4)))).toBeInstanceOf(DmaFault)
    expect(fstatSync(short).size).toBe(100)
  })

  test('ends with DMA_UNMAP, which gives the file back', async () => {
    await map(ram)
    await map(ram, {}, ADDRESS + SIZE)
    await map(ram, {}, ADDRESS + 2 * SIZE)
    expect(copiesOf(ram)).toBe(4)
    const reply = await client.call(Command.DMA_UNMAP, body.unmap(ADDRESS, 2 * SIZE))
    expect(reply.body).toEqual(body.unmap(ADDRESS, 2 * SIZE))
    expect(copiesOf(ram)).toBe(2)
    expect(thrown(() => memory().readNow(ADDRESS, 4))).toBeInstanceOf(DmaFault)
    expect(memory().readNow(ADDRESS + 2 * SIZE, 4)).toHaveLength(4)
    expect(await client.error(Command.DMA_UNMAP, body.unmap(0, 0, 2))).toBe(0)
    expect(copiesOf(ram)).toBe(1)
  })

  test('ends with the client', async () => {
    await map(ram)
    client.close()
    await until('the file to be given back', () => copiesOf(ram) === 1)
    expect(await rejection(memory().read(ADDRESS, 4))).toBeInstanceOf(DmaFault)
  })

  test.each<[string, number, Buffer, number]>([
    ['DMA_MAP over another', Command.DMA_MAP, body.map(ADDRESS + SIZE - 1, SIZE), Errno.EEXIST],
    ['DMA_MAP of nothing', Command.DMA_MAP, body.map(0, 0), Errno.EINVAL],
    ['DMA_MAP with other flags', Command.DMA_MAP, body.map(0, 4096, { flags: 7 }), Errno.EINVAL],
    ['DMA_MAP around the end', Command.DMA_MAP, words(32, 3, 0n, 2n ** 64n - 1n, 4096n), Errno.EINVAL],
    ['DMA_MAP past 2^53', Command.DMA_MAP, words(32, 3, 0n, 2n ** 53n - 1n, 4096n), Errno.EINVAL],
    ['DMA_MAP that is short', Command.DMA_MAP, Buffer.alloc(31), Errno.EINVAL],
    ['DMA_UNMAP of another place', Command.DMA_UNMAP, body.unmap(0, 4096), Errno.ENOENT],
    ['DMA_UNMAP of a part', Command.DMA_UNMAP, body.unmap(ADDRESS, SIZE - 1), Errno.ENOENT],
    ['DMA_UNMAP with the dirty pages', Command.DMA_UNMAP, body.unmap(ADDRESS, SIZE, 1), Errno.ENOTSUP],
    ['DMA_UNMAP that is short', Command.DMA_UNMAP, Buffer.alloc(23), Errno.EINVAL],
  ])('%s is refused, and nothing is kept of it', async (_, command, request, errno) => {
    await map(ram)
    expect(await client.error(command, request, [ram])).toBe(errno)
    expect(copiesOf(ram)).toBe(2)
  })

  test('DMA_MAP with two files is refused', async () => {
    expect(await client.error(Command.DMA_MAP, body.map(ADDRESS, SIZE), [ram, ram])).toBe(Errno.EINVAL)
    expect(copiesOf(ram)).toBe(1)
  })

  test('a file that comes with another command is closed', async () => {
    expect(await client.error(Command.DEVICE_GET_INFO, body.info(), [ram, ram, ram])).toBe(0)
    expect(copiesOf(ram)).toBe(1)
  })
})

describe('DMA by messages', () => {
  let client: Client
  const memory = () => (device.upstream as Upstream).memory

  beforeEach(async () => {
    server.close()
    serve(false)
    client = await negotiated()
  })

  test('is what is done when the client’s file is not its guest’s memory', async () => {
    const ram = kept(newMemory(SIZE))
    await client.error(Command.DMA_MAP, body.map(ADDRESS, SIZE), [ram])
    const reading = memory().read(ADDRESS, 5)
    const request = await client.request()
    expect(request).toMatchObject({ command: Command.DMA_READ, flags: 0, error: 0 })
    expect(request.body).toEqual(words(BigInt(ADDRESS), 5, 0))
    client.answerDma(request, Buffer.from('hello'))
    expect((await reading).toString()).toBe('hello')
    expect(thrown(() => memory().readNow(ADDRESS, 5))).toBeInstanceOf(DmaFault)
  })

  test('writes in messages whose answers QEMU can send', async () => {
    const data = Buffer.alloc(MAX_DMA + 3, 0xab)
    const writing = memory().write(0x1_0000_0000, data)
    for (const [address, count] of [
      [0x1_0000_0000n, MAX_DMA],
      [0x1_0001_0000n, 3],
    ] as const) {
      const request = await client.request()
      expect(request.command).toBe(Command.DMA_WRITE)
      expect(request.body.subarray(0, 16)).toEqual(words(address, count, 0))
      expect(request.body.subarray(16, 16 + count).equals(data.subarray(0, count))).toBe(true)
      client.answerDma(request)
    }
    await writing
  })

  test('both ways at once: while an access waits for its answer', async () => {
    const reading = memory().read(ADDRESS, 4)
    const request = await client.request()
    expect(await client.read(0, 0, 4)).toEqual(words(0x11111111))
    client.answerDma(request, words(5))
    expect(await reading).toEqual(words(5))
  })

  test('is a fault when it is refused, answered too short, or by a client that goes', async () => {
    const [refused, short, gone] = [0, 1, 2].map(() => rejection(memory().read(ADDRESS, 64)))
    const requests = [await client.request(), await client.request(), await client.request()]
    expect(new Set(requests.map(({ id }) => id)).size).toBe(3)
    const [first, second] = requests
    const flags = Flag.REPLY | Flag.ERROR
    client.send(message(Command.DMA_READ, undefined, { id: first?.id as number, flags }))
    client.send(message(Command.DMA_READ, Buffer.alloc(16), { id: second?.id as number, flags: Flag.REPLY }))
    expect(await refused).toBeInstanceOf(DmaFault)
    expect(await short).toBeInstanceOf(DmaFault)
    client.close()
    expect(await gone).toBeInstanceOf(DmaFault)
    const begun = performance.now()
    expect(await rejection(memory().read(ADDRESS, 64))).toBeInstanceOf(DmaFault)
    expect(performance.now() - begun).toBeLessThan(1000)
  })

  test('is a fault at once when the answer is too long to be taken', async () => {
    const reading = rejection(memory().read(ADDRESS, 64))
    const { id } = await client.request()
    const length = MAX_MESSAGE + 100
    client.send(message(Command.DMA_READ, Buffer.alloc(length - 16), { id, flags: Flag.REPLY }))
    expect(await reading).toBeInstanceOf(DmaFault)
    expect(await client.read(0, 0, 4)).toEqual(words(0x11111111))
    expect(client.received).toEqual([])
  })

  test('goes on when a reply comes that nobody waits for, or twice', async () => {
    const reading = memory().read(ADDRESS, 4)
    const request = await client.request()
    client.send(message(Command.DMA_READ, Buffer.alloc(20), { id: request.id + 1, flags: Flag.REPLY }))
    client.answerDma(request, words(5))
    client.answerDma(request, words(6))
    expect(await reading).toEqual(words(5))
    expect(await client.read(0, 0, 4)).toEqual(words(0x11111111))
  })
})

describe('SET_IRQS', () => {
  const { DATA_NONE, DATA_BOOL, DATA_EVENTFD, MASK, UNMASK, TRIGGER } = SetIrqs
  let client: Client
  const interrupts = () => (device.upstream as Upstream).interrupts
  const set = (
    flags: number,
    index: number,
    start: number,
    count: number,
    { data = [], events = [] }: { data?: number[]; events?: number[] } = {},
  ) => client.error(Command.DEVICE_SET_IRQS, body.setIrqs(flags, index, start, count, data), events)

  beforeEach(async () => {
    client = await negotiated()
  })

  test.each([
    ['MSI', Irq.MSI],
    ['MSI-X', Irq.MSIX],
  ])('%s: an eventfd for each vector, which counts its interrupts', async (_, index) => {
    const events = [0, 1].map(() => kept(newEventfd()))
    expect(interrupts().signal(index, 1)).toBe(false)
    expect(await set(DATA_EVENTFD | TRIGGER, index, 1, 2, { events })).toBe(0)
    expect([0, 1, 2, 2, 3, 100].map((vector) => interrupts().signal(index, vector))).toEqual([
      ...[false, true, true, true],
      ...[false, false],
    ])
    expect(events.map(counted)).toEqual([1, 2])
  })

  test('another eventfd takes the place of one; none takes it away; count 0 takes all', async () => {
    const events = [0, 1, 2].map(() => kept(newEventfd())) as [number, number, number]
    const idle = openFds()
    await set(DATA_EVENTFD | TRIGGER, Irq.MSI, 0, 2, { events: [events[0], events[1]] })
    expect(openFds()).toBe(idle + 2)
    await set(DATA_EVENTFD | TRIGGER, Irq.MSI, 0, 1, { events: [events[2]] })
    expect(openFds()).toBe(idle + 2)
    interrupts().signal(Irq.MSI, 0)
    expect(events.map(counted)).toEqual([0, 0, 1])
    expect(await set(DATA_EVENTFD | TRIGGER, Irq.MSI, 0, 1)).toBe(0)
    expect(openFds()).toBe(idle + 1)
    expect(interrupts().signal(Irq.MSI, 0)).toBe(false)
    expect(await set(DATA_NONE | TRIGGER, Irq.MSI, 0, 0)).toBe(0)
    expect(openFds()).toBe(idle)
    expect(interrupts().signal(Irq.MSI, 1)).toBe(false)
  })

  test('a client may trigger its own: all of a range, or some', async () => {
    const events = [0, 1, 2, 3].map(() => kept(newEventfd()))
    await set(DATA_EVENTFD | TRIGGER, Irq.MSI, 0, 4, { events })
    expect(await set(DATA_NONE | TRIGGER, Irq.MSI, 1, 2)).toBe(0)
    expect(events.map(counted)).toEqual([0, 1, 1, 0])
    expect(await set(DATA_BOOL | TRIGGER, Irq.MSI, 0, 4, { data: [1, 0, 0, 255] })).toBe(0)
    expect(events.map(counted)).toEqual([1, 0, 0, 1])
    expect(await set(DATA_BOOL | TRIGGER, Irq.MSI, 0, 0)).toBe(0)
    expect(interrupts().signal(Irq.MSI, 0)).toBe(true)
  })

  test('INTx is a level: signalled once, and again when it is unmasked and still asserted', async () => {
    const event = kept(newEventfd())
    await set(DATA_EVENTFD | TRIGGER, Irq.INTX, 0, 1, { events: [event] })
    interrupts().intx = true
    interrupts().intx = true
    expect(counted(event)).toBe(1)
    expect(await set(DATA_NONE | UNMASK, Irq.INTX, 0, 1)).toBe(0)
    expect(counted(event)).toBe(1)
    interrupts().intx = false
    await set(DATA_NONE | UNMASK, Irq.INTX, 0, 1)
    expect(counted(event)).toBe(0)
    interrupts().intx = true
    expect(counted(event)).toBe(1)
  })

  test('INTx: an edge while it is masked is kept, and comes with the unmask', async () => {
    const event = kept(newEventfd())
    await set(DATA_EVENTFD | TRIGGER, Irq.INTX, 0, 1, { events: [event] })
    expect(await set(DATA_BOOL | MASK, Irq.INTX, 0, 1, { data: [0] })).toBe(0)
    expect(await set(DATA_BOOL | MASK, Irq.INTX, 0, 1, { data: [1] })).toBe(0)
    interrupts().intx = true
    expect(counted(event)).toBe(0)
    await set(DATA_BOOL | UNMASK, Irq.INTX, 0, 1, { data: [1] })
    expect(counted(event)).toBe(1)
  })

  test('INTx that is asserted before there is an eventfd comes with it', async () => {
    const event = kept(newEventfd())
    interrupts().intx = true
    await set(DATA_EVENTFD | TRIGGER, Irq.INTX, 0, 1, { events: [event] })
    expect(counted(event)).toBe(1)
  })

  test('DEVICE_RESET deasserts INTx', async () => {
    const event = kept(newEventfd())
    await set(DATA_EVENTFD | TRIGGER, Irq.INTX, 0, 1, { events: [event] })
    interrupts().intx = true
    counted(event)
    await client.error(Command.DEVICE_RESET)
    await set(DATA_NONE | UNMASK, Irq.INTX, 0, 1)
    expect(counted(event)).toBe(0)
  })

  test('an eventfd whose counter is full, and which would block, does not stop the server', async () => {
    const event = kept(newEventfd(0))
    const most = Buffer.alloc(8, 0xff)
    most[0] = 0xfe
    writeSync(event, most)
    await set(DATA_EVENTFD | TRIGGER, Irq.MSI, 0, 1, { events: [event] })
    expect(interrupts().signal(Irq.MSI, 0)).toBe(true)
    expect(await client.read(0, 0, 4)).toEqual(words(0x11111111))
  })

  test.each<[string, number[], { data?: number[]; events?: number }]>([
    ['past the last vector', [DATA_NONE | TRIGGER, Irq.MSI, 2, 3], {}],
    ['far past it', [DATA_NONE | TRIGGER, Irq.MSI, 0xffff_ffff, 0xffff_ffff], {}],
    ['of a kind that is not there', [DATA_NONE | TRIGGER, 5, 0, 1], {}],
    ['without an action', [DATA_NONE, Irq.MSI, 0, 1], {}],
    ['with two actions', [DATA_NONE | TRIGGER | MASK, Irq.MSI, 0, 1], {}],
    ['without data', [TRIGGER, Irq.MSI, 0, 1], {}],
    ['with two kinds of data', [DATA_NONE | DATA_BOOL | TRIGGER, Irq.MSI, 0, 1], {}],
    ['with unknown flags', [DATA_NONE | TRIGGER | 0x40, Irq.MSI, 0, 1], {}],
    ['with too few data', [DATA_BOOL | TRIGGER, Irq.MSI, 0, 4], { data: [1, 1, 1] }],
    ['with too few eventfds', [DATA_EVENTFD | TRIGGER, Irq.MSI, 0, 4], { events: 3 }],
    ['with too many', [DATA_EVENTFD | TRIGGER, Irq.MSI, 0, 1], { events: 2 }],
    ['that masks MSI', [DATA_NONE | MASK, Irq.MSI, 0, 1], {}],
    ['that unmasks by an eventfd', [DATA_EVENTFD | UNMASK, Irq.INTX, 0, 1], { events: 1 }],
  ])(
    '%s is refused, and nothing is kept of it',
    async (_, [flags, index, start, count], { data, events }) => {
      const given = Array.from({ length: events ?? 0 }, () => kept(newEventfd()))
      const idle = openFds()
      const all = { ...(data && { data }), events: given }
      expect(await set(flags as number, index as number, start as number, count as number, all)).toBe(
        Errno.EINVAL,
      )
      expect(openFds()).toBe(idle)
      expect(await client.error(Command.DEVICE_SET_IRQS, Buffer.alloc(19))).toBe(Errno.EINVAL)
    },
  )

  test('with what is no eventfd is refused', async () => {
    const file = kept(newMemory(4096))
    expect(await set(DATA_EVENTFD | TRIGGER, Irq.MSI, 0, 1, { events: [file] })).toBe(Errno.EINVAL)
    expect(copiesOf(file)).toBe(1)
  })
})

describe('the wire', () => {
  const get = (id: number) => message(Command.REGION_READ, body.access(0, 0, 4), { id })

  test('torn at every byte', async () => {
    const client = await negotiated()
    const whole = message(Command.REGION_WRITE, body.write(0, 0, words(1, 2, 3)), { id: 5 })
    for (let cut = 1; cut < whole.length; cut++) {
      client.send(whole.subarray(0, cut))
      await new Promise(setImmediate)
      client.send(whole.subarray(cut))
      expect(await client.answer(5)).toMatchObject({ flags: Flag.REPLY })
    }
    for (const byte of whole) {
      client.send(Buffer.from([byte]))
      await new Promise(setImmediate)
    }
    expect(await client.answer(5)).toMatchObject({ flags: Flag.REPLY })
    expect(await client.read(0, 0, 12)).toEqual(words(1, 2, 3))
  })

  test('several messages in one write, with a file for the last one', async () => {
    const client = await negotiated()
    const ram = kept(newMemory(SIZE))
    const last = message(Command.DMA_MAP, body.map(ADDRESS, SIZE), { id: 4 })
    client.send(Buffer.concat([get(1), get(2), get(3), last]), [ram])
    for (const id of [1, 2, 3, 4]) expect(await client.answer(id)).toMatchObject({ flags: Flag.REPLY })
    expect(copiesOf(ram)).toBe(2)
    expect(device.upstream?.memory.readNow(ADDRESS, 4)).toEqual(words(0))
  })

  test('a torn message keeps its file when another message comes with its end', async () => {
    const client = await negotiated()
    const ram = kept(newMemory(SIZE))
    const map = message(Command.DMA_MAP, body.map(ADDRESS, SIZE), { id: 1 })
    client.send(map.subarray(0, 20), [ram])
    await setTimeout(5)
    client.send(Buffer.concat([map.subarray(20), get(2)]))
    await client.answer(2)
    expect(device.upstream?.memory.readNow(ADDRESS, 4)).toEqual(words(0))
  })

  test('a message that is too long is refused and skipped, its file closed; the next is served', async () => {
    const client = await negotiated()
    const ram = kept(newMemory(SIZE))
    const length = MAX_MESSAGE + 1
    client.send(message(Command.DMA_MAP, undefined, { id: 1, length }), [ram])
    expect(await client.answer(1)).toMatchObject({ flags: Flag.REPLY | Flag.ERROR, error: Errno.E2BIG })
    // Looks like messages, and is none.
    client.send(
      Buffer.concat(Array.from({ length: Math.ceil(length / 32) }, () => get(9))).subarray(0, length - 16),
    )
    client.send(get(2))
    expect((await client.answer(2)).body.subarray(16)).toEqual(words(0x11111111))
    expect(client.received).toEqual([])
    expect(copiesOf(ram)).toBe(1)
  })

  test('one that is too long and posted is skipped without a word', async () => {
    const client = await negotiated()
    const length = MAX_MESSAGE + 1
    client.send(message(Command.REGION_WRITE, Buffer.alloc(length - 16), { flags: Flag.NO_REPLY }))
    expect(await client.read(0, 0, 4)).toEqual(words(0x11111111))
    expect(client.received).toEqual([])
  })

  test('the longest message that is taken', async () => {
    const client = await negotiated()
    const count = MAX_MESSAGE - 32
    expect(await client.error(Command.REGION_WRITE, body.write(0, 0, Buffer.alloc(count)))).toBe(Errno.EINVAL)
    expect(await client.read(0, 0, 4)).toEqual(words(0x11111111))
  })

  test.each([0, 1, 15])('a header that says %i bytes ends the connection with EINVAL', async (length) => {
    const client = await negotiated()
    client.send(message(Command.DEVICE_GET_INFO, body.info(), { id: 3, length }))
    expect(await client.answer(3)).toMatchObject({ flags: Flag.REPLY | Flag.ERROR, error: Errno.EINVAL })
    await client.ended()
    expect(await (await negotiated()).read(0, 0, 4)).toEqual(words(0x11111111))
  })

  test('a type that is neither request nor reply is refused, a reply that nobody waits for ignored', async () => {
    const client = await negotiated()
    client.send(message(Command.DEVICE_GET_INFO, body.info(), { id: 1, flags: Flag.REPLY }))
    client.send(message(Command.DEVICE_GET_INFO, body.info(), { id: 2, flags: Flag.REPLY | Flag.ERROR }))
    client.send(message(Command.DEVICE_GET_INFO, body.info(), { id: 3, flags: 7 }))
    expect(await client.answer(3)).toMatchObject({ error: Errno.EINVAL })
    expect(client.received).toEqual([])
  })
})

describe('clients come and go', () => {
  test('a second one is turned away while there is one, and served afterwards', async () => {
    const first = await negotiated()
    const second = await connect()
    second.send(message(Command.VERSION, body.version()))
    await second.ended()
    expect(second.received).toEqual([])
    expect(await first.read(0, 0, 4)).toEqual(words(0x11111111))
    first.close()
    await until('the end', () => device.said.includes('disconnected'))
    expect(await (await negotiated()).read(0, 0, 4)).toEqual(words(0x11111111))
    expect(device.said).toEqual(['connected', 'disconnected', 'connected'])
  })

  test('one that goes before VERSION was never there', async () => {
    const first = await connect()
    first.send(message(Command.DEVICE_GET_INFO).subarray(0, 10))
    await setTimeout(5)
    first.close()
    await until('its descriptors to be given back', () => openFds() <= before + LISTENING)
    await negotiated()
    expect(device.said).toEqual(['connected'])
  })

  test('one that goes in mid-message, with a file on the way', async () => {
    const client = await negotiated()
    const ram = kept(newMemory(SIZE))
    client.send(message(Command.DMA_MAP, body.map(ADDRESS, SIZE)).subarray(0, 30), [ram])
    await until('the file', () => copiesOf(ram) === 2)
    client.close()
    await until('the end', () => device.said.includes('disconnected'))
    expect(copiesOf(ram)).toBe(1)
  })

  test('one that goes and leaves replies unread', async () => {
    const client = await negotiated()
    // Node itself reads 64 KiB ahead.
    client.socket.pause()
    client.send(
      Buffer.concat(Array.from({ length: 60 }, () => message(Command.REGION_READ, body.access(0, 0, 2000)))),
    )
    await setTimeout(20)
    client.close()
    await until('the end', () => device.said.includes('disconnected'))
    expect(await (await negotiated()).read(0, 0, 4)).toEqual(words(0x11111111))
  })

  test('one that does not read is dropped before what waits for it is much', async () => {
    const client = await negotiated()
    client.socket.pause()
    const many = Buffer.concat(
      Array.from({ length: 1000 }, () => message(Command.REGION_READ, body.access(0, 0, 2000))),
    )
    const begun = process.memoryUsage().rss
    for (let round = 0; round < 50 && !device.said.includes('disconnected'); round++) {
      client.send(many)
      await setTimeout(2)
    }
    expect(device.said).toEqual(['connected', 'disconnected'])
    expect(process.memoryUsage().rss - begun).toBeLessThan(128 * 2 ** 20)
    expect(await (await negotiated()).read(0, 0, 4)).toEqual(words(0x11111111))
  })

  test('one that reads late gets everything', async () => {
    const client = await negotiated()
    client.socket.pause()
    const ids = Array.from({ length: 1500 }, (_, index) => index + 1)
    client.send(Buffer.concat(ids.map((id) => message(Command.REGION_READ, body.access(0, 0, 2000), { id }))))
    await setTimeout(50)
    client.socket.resume()
    await until('all replies', () => client.received.length === ids.length)
    expect(client.received.map(({ id }) => id)).toEqual(ids)
    expect(client.received.every(({ body }) => body.length === 2016)).toBe(true)
  })

  test('a server that is closed ends its client, and can be closed again', async () => {
    const client = await negotiated()
    server.close()
    server.close()
    await client.ended()
    expect(device.said).toEqual(['connected', 'disconnected'])
    await expect(Client.connect(path)).rejects.toThrow()
  })
})

test('a socket that is hidden is in no folder, and is found all the same until nobody may connect any more', async () => {
  const hidden = server.hide()
  expect(readdirSync(dir)).toEqual([])
  const client = await (await Client.connect(hidden)).negotiate()
  clients.push(client)
  server.listenNoMore()
  await expect(Client.connect(hidden)).rejects.toThrow()
  expect((await client.call(Command.DEVICE_GET_INFO, body.info())).body).toEqual(words(16, 3, 9, 5))
  server.close()
  await client.ended()
})

test('a socket that cannot be made leaves nothing behind', () => {
  const idle = openFds()
  const options = { sharedMemory: false, failed: () => {} }
  expect(() => new VfioUserServer(path, device, options)).toThrow(/bind .*: EADDRINUSE/)
  expect(openFds()).toBe(idle)
  expect(() => new VfioUserServer(join(dir, 'x'.repeat(100)), device, options)).toThrow(/too long/)
  expect(openFds()).toBe(idle)
})
