// SPDX-License-Identifier: Apache-2.0
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import {
  BusMasterOff,
  type Capability,
  dvsec,
  memoryBar,
  msi,
  msix,
  PciFunction,
  type PciFunctionOptions,
  type Port,
  pciExpress,
  powerManagement,
  registerBar,
  requesterId,
  serialNumber,
  vendorSpecific,
  vsec,
} from '../../harness/pci/index.ts'
import { now, sizeBar, walkExtended, walkStandard } from './reference.ts'
import { specimen } from './specimen.ts'

const make = (options: Partial<PciFunctionOptions> = {}): PciFunction =>
  new PciFunction({ at: '00:03.0', vendor: 0x104c, device: 0xb500, class: 0xff0000, ...options })

/** A function with one capability, and a reader of what stands there. */
function withCapability(capability: Capability, options: Partial<PciFunctionOptions> = {}) {
  const fn = make({ ...options, capabilities: [capability] })
  const at = fn.placeOf(capability)
  return {
    fn,
    read: (offset: number, width: 1 | 2 | 4) => fn.config.read(at + offset, width),
    write: (offset: number, width: 1 | 2 | 4, value: number) => fn.config.write(at + offset, width, value),
  }
}

describe('the header', () => {
  test('says who it is (PCI Express 6.0, section 7.5.1)', () => {
    const { config } = make({ class: 0x020100, revision: 7, interruptPin: 2, multifunction: true })
    expect([0x00, 0x08, 0x0c, 0x2c, 0x3c].map((at) => config.read(at, 4).toString(16))).toEqual([
      ...['b500104c', '2010007', '800000', 'b500104c', '200'],
    ])
    expect(config.size).toBe(256)
    const own = make({ subsystemVendor: 0x5853, subsystem: 1 })
    expect(own.config.read(0x2c, 4)).toBe(0x0001_5853)
  })

  test('Command takes memory, bus master, parity, SERR# and INTx disable; the identity takes nothing', () => {
    const { config } = make()
    for (const at of [0x00, 0x04, 0x08, 0x2c, 0x34, 0x3c]) config.write(at, 4, 0xffff_ffff)
    expect([0x00, 0x04, 0x08, 0x2c, 0x34, 0x3c].map((at) => config.read(at, 4).toString(16))).toEqual([
      ...['b500104c', '546', 'ff000000', 'b500104c', '0', 'ff'],
    ])
  })

  test.each(['0:3.0', '00:20.0', '00:03.8', '00:03', 'x', '000:03.0'])('%s is no place', (at) => {
    expect(() => make({ at })).toThrow(/is not a BDF/)
  })

  test('requester IDs', () => {
    expect([requesterId('00:03.0'), requesterId('1f:1f.7'), requesterId('FF:00.1')]).toEqual([
      ...[0x18, 0x1fff, 0xff01],
    ])
  })
})

describe('BARs', () => {
  test.each([
    ...[16, 4096, 2 ** 20, 2 ** 31].map((size) => ({ size })),
    ...[16, 4096, 2 ** 31, 2 ** 32, 2 ** 33, 2 ** 40].map((size) => ({ size, wide: true })),
    { size: 256, prefetchable: true },
    { size: 2 ** 36, wide: true, prefetchable: true },
  ])('software finds the size of %o', (kind) => {
    const fn = make({ bars: { 2: registerBar(kind) } })
    expect(sizeBar(fn, 2)).toEqual({ wide: false, prefetchable: false, ...kind })
  })

  test('hold an address of their alignment, above 4 GiB if they are wide', () => {
    const fn = make({
      bars: { 0: registerBar({ size: 4096 }), 4: registerBar({ size: 2 ** 33, wide: true }) },
    })
    fn.config.write(0x10, 4, 0x2345_6789)
    fn.config.write(0x20, 4, 0xffff_ffff)
    fn.config.write(0x24, 4, 0x0000_0083)
    expect(fn.barAddress(0)).toBe(0x2345_6000)
    expect(fn.barAddress(4)).toBe(0x82_0000_0000)
    fn.reset()
    expect([fn.barAddress(0), fn.barAddress(4)]).toEqual([0, 0])
  })

  test('memory is little endian, and the model’s own buffer', () => {
    const bar = memoryBar({ size: 16 })
    const fn = make({ bars: { 0: bar } })
    fn.writeBar(0, 4, 4, 0x8877_6655)
    fn.writeBar(0, 6, 1, 0xff)
    expect(bar.memory.subarray(4, 8)).toEqual(Buffer.from([0x55, 0x66, 0xff, 0x88]))
    expect(fn.readBar(0, 6, 2)).toBe(0x88ff)
    expect(fn.readBar(1, 0, 2)).toBe(0xffff)
    expect(() => memoryBar({ size: 16, memory: Buffer.alloc(8) })).toThrow(/needs as much memory, not 8/)
  })

  test.each<[string, PciFunctionOptions['bars'], RegExp]>([
    ['not a power of two', { 0: registerBar({ size: 4095 }) }, /a power of two from 16 on, not 4095/],
    ['too small', { 0: registerBar({ size: 8 }) }, /a power of two from 16 on, not 8/],
    ['of no size', { 0: registerBar({ size: 0 }) }, /a power of two from 16 on/],
    ['too large for 32 bits', { 0: registerBar({ size: 2 ** 32 }) }, /need a wide BAR/],
    ['wide at the end', { 5: registerBar({ size: 16, wide: true }) }, /BAR 5 cannot be wide/],
    ['past the end', { 6: registerBar({ size: 16 }) }, /no BAR 6/],
    ['before the start', { [-1]: registerBar({ size: 16 }) }, /no BAR -1/],
    [
      'in the upper half of another',
      { 0: registerBar({ size: 16, wide: true }), 1: registerBar({ size: 16 }) },
      /BAR 1 is the upper half of a wide one/,
    ],
  ])('%s are refused', (_, bars, message) => {
    expect(() => make({ bars: bars as Record<number, ReturnType<typeof registerBar>> })).toThrow(message)
  })
})

describe('capabilities', () => {
  test('are found as Linux finds them, in their order', () => {
    const { config } = specimen()
    expect(config.size).toBe(4096)
    expect(walkStandard(config)).toEqual([
      { id: 0x10, at: 0x40 },
      { id: 0x01, at: 0x7c },
      { id: 0x05, at: 0x84 },
      { id: 0x11, at: 0x94 },
      { id: 0x09, at: 0xa0 },
    ])
    expect(walkExtended(config)).toEqual([
      { id: 0x000b, version: 1, at: 0x100 },
      { id: 0x0023, version: 1, at: 0x110 },
      { id: 0x0003, version: 1, at: 0x124 },
    ])
  })

  test('are none without the bit in Status', () => {
    const fn = make()
    expect([walkStandard(fn.config), walkExtended(fn.config)]).toEqual([[], []])
    expect(make({ capabilities: [pciExpress()] }).config.size).toBe(4096)
    expect(walkExtended(make({ capabilities: [pciExpress()] }).config)).toEqual([])
    expect(make({ capabilities: [msi()] }).config.size).toBe(256)
  })

  test('stand where they must, and the list follows the places', () => {
    const first = vsec({ id: 1, length: 0x10, registers: [], at: 0x100 })
    const last = vsec({ id: 2, length: 0x10, registers: [], at: 0xff0 })
    const fn = make({ capabilities: [last, first] })
    expect(walkExtended(fn.config).map(({ at }) => at)).toEqual([0x100, 0xff0])
    expect([fn.placeOf(last), fn.placeOf(first)]).toEqual([0xff0, 0x100])
    expect(() => fn.placeOf(msi())).toThrow(/no such capability/)
  })

  test('PCI Express (section 7.5.3): version, type, slot, and a link of one lane at 2.5 GT/s', () => {
    const types = ['endpoint', 'legacy-endpoint', 'root-port', 'root-complex-endpoint'] as const
    const heads = types.map((type) => withCapability(pciExpress({ type })).read(2, 2))
    expect(heads).toEqual([0x02, 0x12, 0x42, 0x92])
    const { read, write } = withCapability(pciExpress())
    expect([read(0, 1), read(4, 4), read(0xc, 4), read(0x12, 2)]).toEqual([0x10, 0x8000, 0x11, 0x11])
    // Max_Payload_Size 128 bytes, Max_Read_Request_Size 512, relaxed ordering, no snoop: the values after a reset.
    expect(read(8, 2)).toBe(0x2810)
    write(8, 2, 0xffff)
    expect(read(8, 2)).toBe(0x7fff)
    const slot = pciExpress({ registers: [{ name: 'Slot Capabilities', offset: 0x14, width: 4, reset: 1 }] })
    expect(withCapability(slot).read(2, 2)).toBe(0x102)
    expect(withCapability(slot).read(0x14, 4)).toBe(1)
  })

  test('power management (section 7.5.2) tells of D0 and D3hot', () => {
    const states: number[] = []
    const { read, write } = withCapability(powerManagement((state) => states.push(state)))
    expect([read(0, 1), read(2, 2), read(4, 2)]).toEqual([1, 3, 8])
    for (const state of [3, 3, 0]) write(4, 2, state)
    write(4, 1, 3)
    write(5, 1, 0xff)
    expect(states).toEqual([3, 0, 3])
    expect(read(4, 2)).toBe(0xb)
  })

  test.each([1, 2, 4, 8, 16, 32])('MSI with %i vectors (section 7.7.1)', (vectors) => {
    const { read, write } = withCapability(msi({ vectors }))
    expect(read(2, 2)).toBe(0x80 | (Math.log2(vectors) << 1))
    for (const at of [4, 8, 0xc]) write(at, 4, 0xffff_ffff)
    expect([read(4, 4), read(8, 4), read(0xc, 4)]).toEqual([0xffff_fffc, 0xffff_ffff, 0xffff])
    write(2, 2, 0xffff)
    expect(read(2, 2)).toBe(0xf1 | (Math.log2(vectors) << 1))
  })

  test('MSI-X (section 7.7.2): table size less one, and both places with their BAR', () => {
    const bars = { 3: memoryBar({ size: 0x1_0000 }) }
    const { read, write } = withCapability(msix({ vectors: 2048, bar: 3, pending: 0x8000 }), { bars })
    expect([read(2, 2), read(4, 4), read(8, 4)]).toEqual([0x7ff, 3, 0x8003])
    write(2, 2, 0xffff)
    expect(read(2, 2)).toBe(0xc7ff)
    const small = withCapability(msix({ vectors: 3, bar: 3, table: 0x100 }), { bars })
    expect([small.read(2, 2), small.read(4, 4), small.read(8, 4)]).toEqual([2, 0x103, 0x133])
  })

  test('VNDR, VSEC, DVSEC and serial number (sections 7.9.3 to 7.9.6)', () => {
    const vendor = withCapability(vendorSpecific(9, [{ name: 'Own', offset: 3, width: 1, reset: 0xab }]))
    expect([vendor.read(0, 1), vendor.read(2, 2)]).toEqual([0x09, 0xab09])
    const own = { name: 'Own', offset: 0xc, width: 4, reset: 5 } as const
    const first = withCapability(vsec({ id: 0xabcd, revision: 0xf, length: 0x10, registers: [own] }))
    expect([0, 4, 0xc].map((at) => first.read(at, 4))).toEqual([0x0001_000b, 0x010f_abcd, 5])
    const second = withCapability(
      dvsec({ vendor: 0x5853, id: 0x1234, revision: 3, length: 0xff0 - 0x100, registers: [own] }),
    )
    expect([second.read(0, 4), second.read(4, 4), second.read(8, 2), second.read(0xc, 4)]).toEqual([
      ...[0x0001_0023, 0xef03_5853, 0x1234, 5],
    ])
    const serial = withCapability(serialNumber(0xfedc_ba98_7654_3210n))
    expect([0, 4, 8].map((at) => serial.read(at, 4))).toEqual([0x0001_0003, 0x7654_3210, 0xfedc_ba98])
  })

  const bars = { 0: memoryBar({ size: 64 }) }
  test.each<[string, () => unknown, RegExp]>([
    ['MSI with three vectors', () => msi({ vectors: 3 }), /1, 2, 4, 8, 16 or 32 vectors, not 3/],
    ['MSI with none', () => msi({ vectors: 0 }), /not 0/],
    ['MSI with half a vector', () => msi({ vectors: 0.5 }), /not 0.5/],
    ['MSI with 64', () => msi({ vectors: 64 }), /not 64/],
    ['MSI-X with none', () => msix({ vectors: 0, bar: 0 }), /1 to 2048 vectors, not 0/],
    ['MSI-X with 2049', () => msix({ vectors: 2049, bar: 0 }), /not 2049/],
    ['MSI-X with a table at 4', () => msix({ vectors: 1, bar: 0, table: 4 }), /multiples of 8/],
    [
      'MSI-X that its BAR does not hold',
      () => make({ bars, capabilities: [msix({ vectors: 4, bar: 0 })] }),
      /MSI-X with 4 vectors needs 72 bytes of BAR 0, which has 64/,
    ],
    [
      'MSI-X in a BAR that is not there',
      () => make({ bars, capabilities: [msix({ vectors: 1, bar: 1 })] }),
      /of BAR 1, which has 0/,
    ],
    [
      'MSI-X whose pending bits are in its table',
      () => make({ bars, capabilities: [msix({ vectors: 2, bar: 0, pending: 16 })] }),
      /overlap/,
    ],
    [
      'capabilities that overlap',
      () =>
        make({
          capabilities: [
            vsec({ id: 1, length: 0x20, registers: [], at: 0x100 }),
            vsec({ id: 2, length: 0x10, registers: [], at: 0x110 }),
          ],
        }),
      /capability 0xb at 0x100: its 32 bytes do not fit there/,
    ],
    [
      'two at one place',
      () => {
        const one = vsec({ id: 1, length: 0x20, registers: [], at: 0x100 })
        return make({ capabilities: [one, { ...one }] })
      },
      /do not fit there/,
    ],
    [
      'more than there is room for',
      () => make({ capabilities: Array.from({ length: 4 }, () => pciExpress()) }),
      /capability 0x10 at 0xf4: its 60 bytes do not fit there/,
    ],
    [
      'one in the header',
      () => make({ capabilities: [{ ...msi(), at: 0x3c }] }),
      /capability 0x5 at 0x3c: .* do not fit/,
    ],
    [
      'one at an odd place',
      () => make({ capabilities: [{ ...msi(), at: 0x42 }] }),
      /stand at multiples of 4/,
    ],
    [
      'an extended list that does not begin at 0x100',
      () => make({ capabilities: [vsec({ id: 1, length: 0x10, registers: [], at: 0x200 })] }),
      /the first extended capability stands at 0x100/,
    ],
    [
      'a register behind its capability',
      () => make({ capabilities: [vendorSpecific(8, [{ name: 'Own', offset: 8, width: 4 }])] }),
      /the register Own at 0x8 is not within its 8 bytes/,
    ],
    [
      'a register on its capability’s header',
      () =>
        make({
          capabilities: [vsec({ id: 1, length: 16, registers: [{ name: 'Own', offset: 0, width: 4 }] })],
        }),
      /the register Own at 0x0 is not within/,
    ],
  ])('%s is refused', (_, build, message) => {
    expect(build).toThrow(message)
  })
})

describe('how it answers', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  const reads = async (fn: PciFunction, count: number) =>
    await Promise.all(Array.from({ length: count }, () => fn.readBar(0, 0, 4)))

  test('late: both ways, in order, and not before', async () => {
    const fn = make({ bars: { 0: memoryBar({ size: 16 }) } })
    fn.behave({ latency: 100 }, 'memory')
    const done: string[] = []
    void Promise.resolve(fn.writeBar(0, 0, 4, 5)).then(() => done.push('write'))
    void Promise.resolve(fn.readBar(0, 0, 4)).then((value) => done.push(`read ${value}`))
    expect(fn.readConfig(0, 2)).toBe(0x104c)
    await vi.advanceTimersByTimeAsync(99)
    expect(done).toEqual([])
    await vi.advanceTimersByTimeAsync(1)
    expect(done).toEqual(['write', 'read 5'])
    fn.behave({ latency: 0 })
    expect(fn.readBar(0, 0, 4)).toBe(5)
  })

  test('late, and with an error when its handler throws then', async () => {
    const fail = () => {
      throw new Error('late')
    }
    const fn = make({ bars: { 0: registerBar({ size: 16, read: fail }) } })
    fn.behave({ latency: 10 })
    const reading = expect(fn.readBar(0, 0, 4)).rejects.toThrow('late')
    await vi.advanceTimersByTimeAsync(10)
    await reading
  })

  test('with garbage: the same from the same seed, of the access’s size, and no side effects', async () => {
    const [one, other] = [3, 3].map((seed) => {
      const fn = make({ bars: { 0: registerBar({ size: 16, read: () => expect.unreachable() }) } })
      fn.behave({ garbage: seed })
      return fn
    }) as [PciFunction, PciFunction]
    const values = await reads(one, 100)
    expect(await reads(other, 100)).toEqual(values)
    expect(new Set(values).size).toBe(100)
    const bytes = await Promise.all(Array.from({ length: 100 }, () => one.readConfig(0, 1)))
    expect(Math.max(...bytes)).toBeLessThan(256)
    expect(new Set(bytes).size).toBeGreaterThan(30)
    one.behave({ garbage: undefined })
    expect(one.readConfig(0, 2)).toBe(0x104c)
  })

  test('with garbage and late: still a series, which ends when it is told to', async () => {
    const [late, prompt] = [make({ bars: { 0: memoryBar({ size: 16 }) } }), specimen()]
    late.behave({ garbage: 3, latency: 5 })
    prompt.behave({ garbage: 3 })
    const pending = reads(late, 20)
    await vi.advanceTimersByTimeAsync(5)
    expect(await pending).toEqual(await reads(prompt, 20))
    const last = reads(late, 1)
    late.behave({ garbage: undefined })
    await vi.advanceTimersByTimeAsync(5)
    expect(await last).toEqual([0])
    late.behave({ latency: 0 })
    expect(late.readBar(0, 0, 4)).toBe(0)
  })

  test('to some sizes of access only', () => {
    const fn = make({ bars: { 0: memoryBar({ size: 16 }) } })
    fn.behave({ widths: [4] })
    fn.writeBar(0, 0, 2, 0x1234)
    expect([1, 2, 4].map((width) => fn.readBar(0, 0, width as 4))).toEqual([0xff, 0xffff, 0])
    expect(fn.readConfig(0, 2)).toBe(0xffff)
    expect(fn.trace.entries.filter(({ note }) => note === 'size not taken')).toMatchObject([
      { what: 'write', space: 'bar0', size: 2, value: '1234' },
      { what: 'read', space: 'bar0', size: 1, value: 'ff' },
      { what: 'read', space: 'bar0', size: 2, value: 'ffff' },
      { what: 'read', space: 'config', size: 2, value: 'ffff' },
    ])
  })

  test('not at all while it is absent', () => {
    const fn = make({ present: false, bars: { 0: memoryBar({ size: 16 }) } })
    const all = () => [fn.readConfig(0, 4), fn.readConfig(0, 1), fn.readBar(0, 0, 2)]
    expect(all()).toEqual([0xffff_ffff, 0xff, 0xffff])
    fn.writeConfig(4, 2, 2)
    fn.writeBar(0, 0, 4, 5)
    fn.appear()
    expect(all()).toEqual([0xb500_104c, 0x4c, 0])
    expect(fn.command).toBe(0)
    fn.disappear()
    expect(all()).toEqual([0xffff_ffff, 0xff, 0xffff])
    expect(fn.trace.entries.filter(({ what }) => what === 'event').map(({ note }) => note)).toEqual([
      ...['appears', 'disappears'],
    ])
  })
})

describe('plugged in', () => {
  let lines: boolean[]
  let sent: string[]
  let enabled: ('msi' | 'msix')[]
  let fn: PciFunction

  const port: Port = {
    memory: {
      read: async (_, length) => Buffer.alloc(length, 0xab),
      write: async () => {},
      readNow: (_, length) => Buffer.alloc(length, 0xcd),
      writeNow: () => {},
    },
    intx: (asserted) => void (lines.at(-1) === asserted || lines.push(asserted)),
    msi: (vector) => enabled.includes('msi') && sent.push(`msi ${vector}`) > 0,
    msix: (vector) => enabled.includes('msix') && sent.push(`msix ${vector}`) > 0,
  }

  beforeEach(() => {
    lines = []
    sent = []
    enabled = []
    fn = specimen()
    fn.plug(port)
    fn.writeConfig(4, 2, 6)
  })

  test('INTx is a level, which the guest can disable, and Status shows', () => {
    fn.intx = true
    expect(fn.config.read(6, 2) & 8).toBe(8)
    fn.writeConfig(4, 2, 0x406)
    fn.writeConfig(4, 2, 6)
    fn.intx = false
    expect(fn.config.read(6, 2) & 8).toBe(0)
    expect(lines).toEqual([false, true, false, true, false])
  })

  test('INTx ends with a reset, with its place, and while it is absent', () => {
    fn.intx = true
    fn.disappear()
    expect(lines).toEqual([false, true, false])
    fn.appear()
    fn.plug(undefined)
    expect(lines).toEqual([false, true, false, true, false])
    fn.plug(port)
    fn.reset()
    expect(fn.intx).toBe(false)
    expect(lines).toEqual([false, true, false, true, false, true, false])
  })

  test('a message is MSI-X, or else MSI, or else nothing', () => {
    expect(fn.interrupt(1)).toBe(false)
    enabled = ['msi']
    expect(fn.interrupt(2)).toBe(true)
    enabled = ['msi', 'msix']
    expect(fn.interrupt()).toBe(true)
    expect(sent).toEqual(['msi 2', 'msix 0'])
    expect(fn.trace.entries.filter(({ what }) => what === 'interrupt')).toMatchObject([
      { address: 1, note: 'not enabled' },
      { address: 2, space: 'msi' },
      { address: 0, space: 'msix' },
    ])
  })

  test('no message without Bus Master Enable, from an absent one, or from one in the hand', () => {
    enabled = ['msix']
    fn.writeConfig(4, 2, 2)
    expect(fn.interrupt()).toBe(false)
    fn.writeConfig(4, 2, 6)
    fn.disappear()
    expect(fn.interrupt()).toBe(false)
    fn.appear()
    fn.plug(undefined)
    expect(fn.interrupt()).toBe(false)
    expect(sent).toEqual([])
    expect(fn.trace.entries.flatMap(({ what, note }) => (what === 'interrupt' ? [note] : []))).toEqual([
      ...['Bus Master Enable is off', 'absent'],
    ])
  })

  test('DMA needs Bus Master Enable, and is in the trace', async () => {
    await fn.dma.read(0x4000_0000, 4)
    await fn.dma.write(0x4000_0000, Buffer.from([1, 2, 3, 4]))
    fn.dma.readNow(0x4000_0000, 9)
    fn.dma.writeNow(0x4000_0000, Buffer.alloc(1))
    expect(fn.trace.entries.slice(-4)).toMatchObject([
      { from: '00:03.0', what: 'dma-read', address: 0x4000_0000, size: 4, value: 'abababab' },
      { what: 'dma-write', size: 4, value: '04030201' },
      { what: 'dma-read', size: 9 },
      { what: 'dma-write', size: 1, value: '00' },
    ])
    expect(fn.trace.entries.at(-2)).not.toHaveProperty('value')
    fn.writeConfig(4, 2, 2)
    expect(() => fn.dma).toThrow(BusMasterOff)
    fn.plug(undefined)
    expect(() => fn.dma).toThrow(/not plugged in/)
  })

  test('a reset brings everything back but its presence', () => {
    let resets = 0
    const own = specimen({ onReset: () => resets++ })
    own.writeConfig(4, 2, 6)
    own.writeConfig(0x3c, 1, 0x55)
    own.disappear()
    own.reset()
    expect([own.command, own.config.get(0x3c, 1), own.present, resets]).toEqual([0, 0, false, 1])
    expect(own.trace.entries.at(-1)).toMatchObject({ what: 'reset' })
  })

  test('accesses are in the trace, in order, and on the board’s clock', () => {
    fn.trace.start(() => 42, 'DomU')
    const heard: unknown[] = []
    const stop = fn.trace.onEntry((entry) => heard.push(entry))
    now(fn.readConfig(0, 4))
    stop()
    fn.writeBar(1, 8, 2, 0xabcd)
    expect(heard).toEqual([
      {
        ...{ at: 42, domain: 'DomU', from: '00:03.0', what: 'read' },
        ...{ space: 'config', address: 0, size: 4, value: 'b500104c' },
      },
    ])
    expect(fn.trace.entries.at(-1)).toMatchObject({
      ...{ what: 'write', space: 'bar1', address: 8, size: 2, value: 'abcd' },
    })
  })

  test('the trace keeps the latest entries', () => {
    for (let index = 0; index < 50_000; index++) fn.trace.record({ from: '', what: 'event', address: index })
    expect(fn.trace.entries.length).toBeLessThanOrEqual(40_000)
    expect(fn.trace.entries.length).toBeGreaterThanOrEqual(20_000)
    expect(fn.trace.entries.at(-1)).toMatchObject({ address: 49_999 })
  })
})
