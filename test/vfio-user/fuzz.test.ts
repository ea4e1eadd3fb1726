// SPDX-License-Identifier: Apache-2.0
/** A hostile client: whatever it says, every request that wants a reply gets one, nothing is kept, and the next client is served. */
import { mkdtempSync, openSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import {
  memoryBar,
  type PciFunction,
  RootComplex,
  registerBar,
  VfioFunction,
} from '../../harness/pci/index.ts'
import { DmaFault, type VfioUserDevice, VfioUserServer } from '../../harness/vfio-user/index.ts'
import { Command, Errno, Flag, MAX_MESSAGE, MAX_TRANSFER, Region } from '../../harness/vfio-user/protocol.ts'
import { specimen } from '../pci/specimen.ts'
import { body, Client, closeAll, message, newEventfd, newMemory, openFds, until, words } from './client.ts'

const SEED = 20221014
/** Connections to each device, and messages of each. */
const ROUNDS = 100
const MESSAGES = 500

/** Below it are those of the client's own. */
const FIRST_ID = 1000

/** Flags of replies. */
const DONE: number = Flag.REPLY
const REFUSED: number = Flag.REPLY | Flag.ERROR

/** Where the function does something of its own. */
const INTERRUPTS = 0x20
const READS_MEMORY = 0x24
const WRITES_MEMORY = 0x28
const RAM = 0x4000_0000

/** One of everything, and a register each for interrupts and DMA in both directions. */
function function_(): PciFunction {
  const fn: PciFunction = specimen({
    bars: {
      0: registerBar({
        size: 4096,
        read: (offset, width) => (width === 2 ? Promise.resolve(offset) : offset),
        write: (offset, _, value) => {
          // What the guest has not allowed or does not have is nothing that a good model fails of.
          const ignore = () => {}
          if (offset === INTERRUPTS) fn.interrupt(value & 0xf)
          fn.intx = (value & 1) !== 0
          if ((fn.command & 4) === 0) return
          if (offset === READS_MEMORY) fn.dma.read(RAM + (value % 0x2_0000), value % 100).catch(ignore)
          if (offset === WRITES_MEMORY)
            fn.dma.write(RAM + (value % 0x2_0000), Buffer.alloc(value % 100)).catch(ignore)
        },
      }),
      1: memoryBar({ size: 4096 }),
      2: memoryBar({ size: 0x1_0000, wide: true, prefetchable: true }),
    },
  })
  return fn
}

/** A message, and what must come of it. */
interface Shot {
  command: number
  body: Uint8Array
  flags: number
  /** Which of the hostile files come with it. */
  files: number[]
  /** Where it is torn, if it is. */
  cut: number
  outcome: 'done' | 'refused' | 'either'
}

const FILES = 8
const some: fc.Arbitrary<number[]> = fc.oneof(
  { arbitrary: fc.constant<number[]>([]), weight: 6 },
  { arbitrary: fc.array(fc.nat(FILES - 1), { minLength: 1, maxLength: 3 }), weight: 1 },
)
const hostile32 = fc.oneof(
  { arbitrary: fc.nat(16), weight: 6 },
  {
    arbitrary: fc.constantFrom(0xff, 0x1000, 0xffff, 0x10_0000, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff),
    weight: 1,
  },
  { arbitrary: fc.integer({ min: 0, max: 0xffff_ffff }), weight: 1 },
)
const hostile64 = fc.oneof(
  fc.bigInt({ min: 0n, max: 0x2_0000n }),
  fc.bigInt({ min: BigInt(RAM), max: BigInt(RAM) + 0x4_0000n }),
  fc.constantFrom(2n ** 53n - 1n, 2n ** 53n, 2n ** 63n, 2n ** 64n - 1n),
)

type Body = Pick<Shot, 'command' | 'body' | 'outcome'> & { files?: number[] }

/** Accesses: most are where something is, some where nothing is. */
function accesses(sizes: number[]): fc.Arbitrary<Body> {
  return fc
    .record({
      command: fc.constantFrom(Command.REGION_READ, Command.REGION_WRITE),
      region: fc.oneof(
        { arbitrary: fc.constantFrom(0, 1, 2, Region.CONFIG), weight: 9 },
        { arbitrary: hostile32, weight: 1 },
      ),
      offset: fc.oneof(
        { arbitrary: fc.nat(0x110).map(BigInt), weight: 6 },
        {
          arbitrary: fc.constantFrom(BigInt(INTERRUPTS), BigInt(READS_MEMORY), BigInt(WRITES_MEMORY)),
          weight: 2,
        },
        { arbitrary: fc.nat(0x1_0010).map(BigInt), weight: 2 },
        { arbitrary: hostile64, weight: 1 },
      ),
      count: fc.oneof(
        { arbitrary: fc.constantFrom(1, 2, 4, 4, 4, 8), weight: 20 },
        { arbitrary: fc.nat(64), weight: 3 },
        { arbitrary: fc.constantFrom(0, MAX_TRANSFER + 1, 0xffff_ffff), weight: 1 },
      ),
      missing: fc.oneof({ arbitrary: fc.constant(0), weight: 9 }, { arbitrary: fc.nat(70), weight: 1 }),
      fill: fc.nat(255),
    })
    .map(({ command, region, offset, count, missing, fill }) => {
      const data = command === Command.REGION_WRITE ? Math.min(count, 4096) : 0
      const whole = Buffer.concat([words(offset, region, count), Buffer.alloc(data, fill)])
      const sent = whole.subarray(0, Math.max(0, whole.length - missing))
      const fits = count > 0 && count <= MAX_TRANSFER && Number(offset) + count <= (sizes[region] ?? 0)
      const outcome = fits && missing === 0 ? 'done' : 'refused'
      return { command, body: sent, outcome }
    })
}

const random: fc.Arbitrary<Body> = fc
  .record({ command: fc.nat(20), body: fc.uint8Array({ maxLength: 80 }) })
  .filter(({ command }) => command !== Command.REGION_READ && command !== Command.REGION_WRITE)
  .map((shot) => ({
    ...shot,
    outcome: shot.command > Command.DEVICE_RESET || shot.command < 2 ? 'refused' : 'either',
  }))

const maps: fc.Arbitrary<Body> = fc
  .record({
    command: fc.constantFrom(Command.DMA_MAP, Command.DMA_MAP, Command.DMA_UNMAP),
    flags: fc.nat(4),
    fields: fc.tuple(fc.oneof(fc.constant(0n), hostile64), hostile64, hostile64),
    files: some,
  })
  .map(({ command, flags, fields: [offset, address, size], files }) => ({
    ...{ command, files, outcome: 'either' },
    body:
      command === Command.DMA_MAP ? words(32, flags, offset, address, size) : words(24, flags, address, size),
  }))

const interrupts: fc.Arbitrary<Body> = fc
  .record({
    flags: fc.oneof(fc.constantFrom(0x21, 0x22, 0x24, 0x09, 0x11, 0x12), hostile32),
    fields: fc.tuple(fc.nat(5), hostile32, hostile32),
    data: fc.uint8Array({ maxLength: 10 }),
    files: some,
  })
  .map(({ flags, fields, data, files }) => ({
    ...{ command: Command.DEVICE_SET_IRQS, files, outcome: 'either' },
    body: Buffer.concat([words(20, flags, ...fields), data]),
  }))

const queries: fc.Arbitrary<Body> = fc
  .record({
    command: fc.constantFrom(
      Command.DEVICE_GET_INFO,
      Command.DEVICE_GET_REGION_INFO,
      Command.DEVICE_GET_IRQ_INFO,
    ),
    index: hostile32,
    length: fc.constantFrom(32, 32, 32, 16, 15, 0),
  })
  .map(({ command, index, length }) => {
    const room = command === Command.DEVICE_GET_REGION_INFO ? 32 : 16
    const last = { [Command.DEVICE_GET_REGION_INFO]: 9, [Command.DEVICE_GET_IRQ_INFO]: 5 } as Record<
      number,
      number
    >
    const known = length >= room && index < (last[command] ?? Number.POSITIVE_INFINITY)
    const outcome = known ? 'done' : 'refused'
    return { command, body: words(32, 0, index, 0, 0n, 0n).subarray(0, length), outcome }
  })

const bare: fc.Arbitrary<Body> = fc.constantFrom<Body>(
  { command: Command.DEVICE_RESET, body: Buffer.alloc(0), outcome: 'done' },
  { command: Command.VERSION, body: body.version(), outcome: 'refused' },
)

const tooLong: fc.Arbitrary<Body> = fc.constantFrom(1, 17, 4096).map((more) => ({
  command: Command.REGION_WRITE,
  body: Buffer.alloc(MAX_MESSAGE - 16 + more),
  outcome: 'refused',
}))

const flags = fc.oneof(
  { arbitrary: fc.constant(0), weight: 12 },
  { arbitrary: fc.constant(Flag.NO_REPLY), weight: 3 },
  { arbitrary: fc.constantFrom(Flag.REPLY, Flag.REPLY | Flag.ERROR), weight: 2 },
  { arbitrary: fc.integer({ min: 0, max: 0xffff_ffff }), weight: 1 },
)

const shots = (sizes: number[]): fc.Arbitrary<Shot[]> =>
  fc.array(
    fc
      .record({
        body: fc.oneof(
          { arbitrary: accesses(sizes), weight: 500 },
          { arbitrary: random, weight: 100 },
          { arbitrary: maps, weight: 100 },
          { arbitrary: interrupts, weight: 100 },
          { arbitrary: queries, weight: 100 },
          { arbitrary: bare, weight: 20 },
          { arbitrary: tooLong, weight: 1 },
        ),
        flags,
        cut: fc.oneof({ arbitrary: fc.constant(0), weight: 60 }, { arbitrary: fc.nat(60), weight: 1 }),
      })
      .map(({ body: { files = [], ...rest }, flags: bits, cut }) => ({ ...rest, files, flags: bits, cut })),
    { minLength: MESSAGES, maxLength: MESSAGES },
  )

/** How a client goes: whole, in the middle of a message, or with a header that makes no sense. */
const farewells = fc.constantFrom('whole', 'torn', 'senseless')

setFlagsFromString('--expose-gc')
const gc = runInNewContext('gc') as () => void

/** Twice: what finalizers let go in the first collection is gone after the second. */
const used = (): number => {
  gc()
  gc()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

let dir: string
let server: VfioUserServer
let failures: unknown[]
const files: number[] = []

beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'guestrig-fuzz-'))
  failures = []
  files.push(
    newEventfd(),
    newEventfd(0),
    newMemory(0x2_0000),
    newMemory(0x2_0000),
    newMemory(0),
    newMemory(10),
  )
  files.push(openSync('/', 'r'), openSync('/dev/null', 'r+'))
})

afterEach(() => {
  server.close()
  closeAll(files)
  rmSync(dir, { recursive: true })
})

/** Says yes, no or nonsense to the server's own requests, by turns. Not while a message of the client's is torn. */
function serveDma(client: Client): void {
  const isRequest = ({ flags: bits }: { flags: number }) => (bits & Flag.TYPE) === Flag.REQUEST
  for (let at = client.received.findIndex(isRequest); at >= 0; at = client.received.findIndex(isRequest)) {
    const [request] = client.received.splice(at, 1) as [Client['received'][number]]
    const { id, command } = request
    const count = request.body.readUInt32LE(8)
    if (id % 3 === 0) client.answerDma(request, Buffer.alloc(command === Command.DMA_READ ? count : 0))
    else if (id % 3 === 1) client.send(message(command, undefined, { id, flags: Flag.REPLY | Flag.ERROR }))
    else client.send(message(command, Buffer.alloc(2), { id, flags: Flag.REPLY }))
  }
}

const drained = (client: Client) => until('the socket to take it', () => client.socket.writableLength === 0)

/** Sends everything, and checks every answer. */
async function round(path: string, all: Shot[], farewell: string): Promise<void> {
  const client = await (await Client.connect(path)).negotiate()
  try {
    let batch: Buffer[] = []
    const flush = async () => {
      if (batch.length === 0) return
      client.send(Buffer.concat(batch))
      batch = []
      await drained(client)
      await new Promise(setImmediate)
      serveDma(client)
    }
    for (const [index, shot] of all.entries()) {
      const bytes = message(shot.command, shot.body, { id: FIRST_ID + index, flags: shot.flags })
      if (shot.files.length === 0 && shot.cut === 0 && bytes.length < 10_000) {
        batch.push(bytes)
        if (batch.length >= 60) await flush()
        continue
      }
      await flush()
      const cut = shot.cut % bytes.length
      if (cut > 0) {
        client.send(bytes.subarray(0, cut))
        await drained(client)
        await new Promise(setImmediate)
      }
      if (shot.files.length === 0) client.send(bytes.subarray(cut))
      else
        client.send(
          bytes.subarray(cut),
          shot.files.map((file) => files[file] as number),
        )
      await drained(client)
    }
    await flush()
    const expected = all.flatMap(({ flags: bits }, index) =>
      (bits & Flag.NO_REPLY) === 0 && (bits & Flag.TYPE) !== Flag.REPLY ? [FIRST_ID + index] : [],
    )
    const replies = () => client.received.filter(({ flags: bits }) => (bits & Flag.TYPE) === Flag.REPLY)
    await until('all replies', () => replies().length >= expected.length || client.closed)
    // What comes on top of them comes before this.
    const last = await client.call(Command.REGION_READ, body.access(Region.CONFIG, 0, 4))
    expect(last.flags).toBe(Flag.REPLY)
    const answers = replies()
    expect(answers.map(({ id }) => id).sort((a, b) => a - b)).toEqual(expected)
    const wrong = answers.filter(({ id, command, flags: bits }) => {
      const shot = all[id - FIRST_ID] as Shot
      const isRequest = (shot.flags & Flag.TYPE) === Flag.REQUEST
      const outcome = isRequest ? shot.outcome : 'refused'
      const wanted = { done: [DONE], refused: [REFUSED], either: [DONE, REFUSED] }[outcome]
      return command !== shot.command || !wanted.includes(bits)
    })
    expect(wrong.map((reply) => ({ reply, shot: all[reply.id - FIRST_ID] }))).toEqual([])
    if (farewell === 'torn')
      client.send(message(Command.DMA_MAP, Buffer.alloc(10), { length: 60 }), [files[2] as number])
    if (farewell === 'senseless') {
      client.send(message(Command.DMA_MAP, undefined, { id: 3, length: 15 }))
      client.received.length = 0
      expect(await client.answer(3)).toMatchObject({ error: Errno.EINVAL })
      await client.ended()
    }
  } finally {
    client.close()
  }
}

const devices: [string, () => { device: VfioUserDevice; fn: PciFunction }][] = [
  [
    'a function',
    () => {
      const fn = function_()
      return { device: new VfioFunction(fn), fn }
    },
  ],
  [
    'a root complex',
    () => {
      const fn = function_()
      const root = new RootComplex({
        functions: [fn],
        base: 0,
        window: { base: 0x2300_0000, size: 0x100_0000 },
      })
      // So that what is written low in the window reaches it: BAR 0, and its registers.
      root.onFailure((error) => failures.push(error))
      return { device: root, fn }
    },
  ],
]

describe.each(devices)('%s', (_, make) => {
  test(`answers ${ROUNDS * MESSAGES} messages of a hostile client, seed ${SEED}`, async () => {
    const { device, fn } = make()
    let gone = 0
    const { disconnected } = device
    device.disconnected = () => {
      disconnected.call(device)
      gone++
    }
    const path = join(dir, 'socket')
    server = new VfioUserServer(path, device, { sharedMemory: true, failed: (error) => failures.push(error) })
    const sizes = device.regions.map((region) => region?.size ?? 0)
    const [idle, settled] = [openFds(), Math.floor(ROUNDS / 4)]
    let count = 0
    let early = 0
    await fc.assert(
      fc.asyncProperty(shots(sizes), farewells, async (all, farewell) => {
        fn.config.write(4, 2, 6)
        fn.config.write(0x10, 4, 0x2300_0000)
        fn.behave({ latency: count % 10 === 9 ? 1 : 0 })
        await round(path, all, farewell)
        await until('the end of the connection', () => gone === count + 1)
        expect(failures.filter((error) => !(error instanceof DmaFault))).toEqual([])
        if (++count === settled) early = used()
      }),
      { seed: SEED, numRuns: ROUNDS, endOnFailure: true },
    )
    expect(count).toBe(ROUNDS)
    await until('every descriptor to be given back', () => openFds() <= idle)
    expect(used() - early).toBeLessThan(16 * 2 ** 20)
    fn.behave({ latency: 0 })
    const client = await (await Client.connect(path)).negotiate()
    expect((await client.read(Region.CONFIG, 0, 4)).readUInt32LE(0)).not.toBe(0xffff_ffff)
    client.close()
  })
})
