// SPDX-License-Identifier: Apache-2.0
import { beforeEach, describe, expect, test } from 'vitest'
import {
  addressDataWindow,
  type ConfigFront,
  cam,
  ecam,
  memoryBar,
  msi,
  PciFunction,
  type PciFunctionOptions,
  RootComplex,
  RootPort,
  registerBar,
  type Width,
} from '../../harness/pci/index.ts'
import { Region } from '../../harness/vfio-user/index.ts'
import { specimen } from './specimen.ts'

const make = (at: string, options: Partial<PciFunctionOptions> = {}): PciFunction =>
  new PciFunction({ at, vendor: 0x104c, device: 0xb500, class: 0xff0000, ...options })

const WINDOW = 0x2300_0000

/** What the emulator is to a root complex: it makes the guest's accesses, by address. */
class Emulator {
  readonly written: { address: number; data: string }[] = []
  intx = false
  readonly #root: RootComplex

  constructor(root: RootComplex) {
    this.#root = root
    const memory = {
      write: async (address: number, data: Uint8Array) => {
        this.written.push({ address, data: Buffer.from(data).toString('hex') })
      },
    }
    root.connected({ memory, interrupts: this } as never)
  }

  read(address: number, width: Width): number {
    const [region, offset] = this.#locate(address)
    const into = Buffer.alloc(width)
    if (this.#root.read(region, offset, into)) throw new Error('answered later')
    return into.readUIntLE(0, width)
  }

  write(address: number, width: Width, value: number): void {
    const [region, offset] = this.#locate(address)
    const data = Buffer.alloc(width)
    data.writeUIntLE(value, 0, width)
    if (this.#root.write(region, offset, data)) throw new Error('done later')
  }

  #locate(address: number): [number, number] {
    const { apertures, regions } = this.#root
    const region = apertures.findIndex(({ base, size }) => base <= address && address < base + size)
    const { base } = apertures[region] as { base: number }
    expect(regions[region]?.size).toBe(apertures[region]?.size)
    return [region, address - base]
  }
}

const ECAM = 0x1000_0000
/** Where a register is in an ECAM at the default address. */
const at = (bus: number, device: number, fn: number, register: number) =>
  ECAM + bus * 2 ** 20 + device * 2 ** 15 + fn * 2 ** 12 + register

describe('configuration fronts', () => {
  type Reach = (emulator: Emulator, rid: number, register: number) => number
  const fronts: [string, ConfigFront, Reach, number][] = [
    ['ECAM', ecam(), (_, rid, register) => rid * 4096 + register, 2 ** 28],
    ['ECAM of 16 buses', ecam({ buses: 16 }), (_, rid, register) => rid * 4096 + register, 2 ** 24],
    ['CAM', cam(), (_, rid, register) => rid * 256 + register, 2 ** 24],
    [
      'window',
      addressDataWindow(),
      (emulator, rid, register) => {
        emulator.write(ECAM, 4, (0x8000_0000 | (rid << 12) | (register & ~3)) >>> 0)
        return 8 + (register & 3)
      },
      4096,
    ],
  ]

  test.each(fronts)(
    '%s: every width reaches the register, and nobody gives all ones',
    (_, config, reach, size) => {
      const fn = specimen({ at: '00:1f.7' })
      const root = new RootComplex({ config, functions: [fn] })
      const emulator = new Emulator(root)
      expect([config.size, root.config.size]).toEqual([size, size])
      const place = (register: number) => ECAM + reach(emulator, fn.rid, register)
      expect(emulator.read(place(0), 4)).toBe(0xb500_104c)
      expect(emulator.read(place(2), 2)).toBe(0xb500)
      expect(emulator.read(place(1), 1)).toBe(0x10)
      emulator.write(place(0x3c), 1, 0x5a)
      emulator.write(place(4), 2, 0xffff)
      expect([fn.config.get(0x3c, 1), fn.command]).toEqual([0x5a, 0x546])
      expect(emulator.read(ECAM + reach(emulator, 0x10, 0), 4)).toBe(0xffff_ffff)
      expect(emulator.read(ECAM + reach(emulator, 0x3ff, 0), 2)).toBe(0xffff)
      expect(emulator.read(ECAM + reach(emulator, 0, 0), 4)).toBe(0x0008_1b36)
    },
  )

  test('ECAM has the extended registers, unless the function has not', () => {
    const functions = [make('00:01.0'), specimen({ at: '00:02.0' })]
    const emulator = new Emulator(new RootComplex({ functions }))
    expect([1, 2].map((device) => emulator.read(at(0, device, 0, 0x100), 4))).toEqual([
      ...[0xffff_ffff, 0x1101_000b],
    ])
  })

  test('one that takes some widths only', () => {
    const root = new RootComplex({ config: ecam({ widths: [4] }), functions: [make('00:01.0')] })
    const emulator = new Emulator(root)
    emulator.write(at(0, 1, 0, 0x3c), 1, 0x5a)
    expect([1, 2, 4].map((width) => emulator.read(at(0, 1, 0, 0x3c), width as Width))).toEqual([
      ...[0xff, 0xffff, 0],
    ])
  })

  test('one on which device 0 answers everywhere on the root bus', () => {
    const root = new RootComplex({ config: ecam({ repeatsDevice0: true }) })
    const emulator = new Emulator(root)
    expect(emulator.read(at(0, 0x1f, 0, 0), 4)).toBe(0x0008_1b36)
    expect(emulator.read(at(0, 0x1f, 1, 0), 4)).toBe(0xffff_ffff)
    expect(emulator.read(at(1, 0, 0, 0), 4)).toBe(0xffff_ffff)
  })

  test('the window is shut until it is enabled, has its buses and no more, and forgets with a reset', () => {
    const port = new RootPort({ at: '00:01.0' })
    const root = new RootComplex({ config: addressDataWindow({ buses: 2 }), functions: [port] })
    root.insert(port, [make('00:00.0')])
    const emulator = new Emulator(root)
    expect(emulator.read(ECAM + 8, 4)).toBe(0xffff_ffff)
    emulator.write(ECAM, 2, 0x8000)
    emulator.write(ECAM, 4, 0x0000_8000)
    expect(emulator.read(ECAM, 4)).toBe(0x0000_8000)
    expect(emulator.read(ECAM + 8, 4)).toBe(0xffff_ffff)
    for (const [bus, vendor] of [
      [1, 0x104c],
      [2, 0xffff],
    ] as const) {
      port.config.write(0x19, 1, bus)
      emulator.write(ECAM, 4, (0x8000_0000 | (bus << 20)) >>> 0)
      expect(emulator.read(ECAM + 8, 2)).toBe(vendor)
    }
    root.reset()
    expect(emulator.read(ECAM, 4)).toBe(0)
  })
})

describe('windows', () => {
  test('are cut into aligned pieces, which must be six at most', () => {
    const root = new RootComplex({ window: { base: 0x2300_0000, size: 0x1000_0000 } })
    expect(root.apertures.map(({ base, size }) => [base.toString(16), size.toString(16)])).toEqual([
      ['10000000', '10000000'],
      ['23000000', '1000000'],
      ['24000000', '4000000'],
      ['28000000', '8000000'],
      ['30000000', '2000000'],
      ['32000000', '1000000'],
    ])
    for (const { base, size } of root.apertures) expect(base % size).toBe(0)
    expect(() => new RootComplex({ window: { base: 0x2300_1000, size: 0x1000_0000 } })).toThrow(
      /the windows of pcie@10000000 need \d+ aligned pieces, and there are 6/,
    )
  })

  test('QEMU sees one function, whose BARs they are', () => {
    const root = new RootComplex()
    const own = Buffer.alloc(256)
    root.read(Region.CONFIG, 0, own)
    expect(own.readUInt32LE(0)).toBe(0x0008_1b36)
    root.write(Region.CONFIG, 4, Buffer.from([6, 0]))
    root.read(Region.CONFIG, 0, own)
    expect(own.readUInt16LE(4)).toBe(6)
    expect(root.regions[Region.CONFIG]?.size).toBe(256)
  })
})

describe('who decodes an address', () => {
  let low: PciFunction
  let high: PciFunction
  let root: RootComplex
  let emulator: Emulator

  beforeEach(() => {
    low = make('00:01.0', { bars: { 0: memoryBar({ size: 4096 }) } })
    high = make('00:02.0', { bars: { 1: registerBar({ size: 16, read: (offset) => offset + 1 }) } })
    root = new RootComplex({ functions: [low, high] })
    emulator = new Emulator(root)
    emulator.write(at(0, 1, 0, 0x10), 4, WINDOW)
    emulator.write(at(0, 2, 0, 0x14), 4, WINDOW + 0x1000)
  })

  test('the function whose BAR it is in, if its Command says so', () => {
    expect(emulator.read(WINDOW, 4)).toBe(0xffff_ffff)
    emulator.write(at(0, 1, 0, 4), 2, 2)
    emulator.write(WINDOW + 0xffc, 4, 0x1234_5678)
    expect(emulator.read(WINDOW + 0xffe, 2)).toBe(0x1234)
    expect(emulator.read(WINDOW + 0x1004, 4)).toBe(0xffff_ffff)
    emulator.write(at(0, 2, 0, 4), 2, 2)
    expect(emulator.read(WINDOW + 0x1004, 4)).toBe(5)
    expect(emulator.read(WINDOW + 0x1010, 1)).toBe(0xff)
    expect(emulator.read(WINDOW + 0xfff_fff, 1)).toBe(0xff)
  })

  test('nobody, once the function is gone', () => {
    emulator.write(at(0, 1, 0, 4), 2, 2)
    low.disappear()
    expect(emulator.read(WINDOW, 4)).toBe(0xffff_ffff)
    expect(emulator.read(at(0, 1, 0, 0), 4)).toBe(0xffff_ffff)
    low.appear()
    expect(emulator.read(WINDOW, 4)).toBe(0)
  })

  test('two functions cannot be at one place, and others only behind a port', () => {
    expect(() => root.add(make('00:01.0'))).toThrow(/there is a function at 00:01.0 already/)
    expect(() => root.add(make('01:01.0'))).toThrow(/is not on the root bus/)
    root.add(make('00:01.1'))
    expect(emulator.read(at(0, 1, 1, 0), 2)).toBe(0x104c)
  })
})

describe('a root port', () => {
  /** Offsets from its PCI Express capability, at 0x40. */
  const CAP = 0x40
  const SLOT = { control: CAP + 0x18, status: CAP + 0x1a, link: CAP + 0x12 }
  let port: RootPort
  let inner: PciFunction
  let root: RootComplex
  let emulator: Emulator
  const get = (register: number) => emulator.read(at(0, 4, 0, register), 2)

  beforeEach(() => {
    port = new RootPort({ at: '00:04.0', slot: 9 })
    inner = make('00:00.0', { bars: { 0: memoryBar({ size: 4096 }) }, interruptPin: 1 })
    root = new RootComplex({ functions: [port] })
    emulator = new Emulator(root)
    // Primary, secondary, subordinate; the memory window; memory and bus master.
    emulator.write(at(0, 4, 0, 0x18), 4, 0x0001_0100)
    emulator.write(at(0, 4, 0, 0x20), 4, 0x2310_2310)
    emulator.write(at(0, 4, 0, 4), 2, 6)
  })

  test('is a bridge with a hot-plug slot (sections 7.5.1.3, 7.5.3)', () => {
    expect(emulator.read(at(0, 4, 0, 0x0e), 1)).toBe(1)
    expect(emulator.read(at(0, 4, 0, 8), 4)).toBe(0x0604_0000)
    expect(emulator.read(at(0, 4, 0, 0x18), 4)).toBe(0x0001_0100)
    expect(emulator.read(at(0, 4, 0, 0x20), 4)).toBe(0x2310_2310)
    // Root port, version 2, slot implemented; data link layer active reporting; slot 9, hot-plug capable, surprise.
    expect(emulator.read(at(0, 4, 0, CAP), 4)).toBe(0x0142_0010)
    expect(emulator.read(at(0, 4, 0, CAP + 0xc), 4)).toBe(0x0010_0011)
    expect(emulator.read(at(0, 4, 0, CAP + 0x14), 4)).toBe(((9 << 19) | 0x4_0060) >>> 0)
    for (const offset of [0x10, 0x14, 0x24, 0x2c, 0x30, 0x38])
      expect(emulator.read(at(0, 4, 0, offset), 4)).toBe(0)
  })

  test('tells of what is put in, and lets it answer when the link is up', () => {
    root.insert(port, [inner], { linkUp: false })
    expect([get(SLOT.status), get(SLOT.link)]).toEqual([0x48, 0x11])
    expect(emulator.read(at(1, 0, 0, 0), 4)).toBe(0xffff_ffff)
    port.setLink(true)
    port.setLink(true)
    expect([get(SLOT.status), get(SLOT.link)]).toEqual([0x148, 0x2011])
    expect(emulator.read(at(1, 0, 0, 0), 4)).toBe(0xb500_104c)
    expect(emulator.read(at(1, 1, 0, 0), 4)).toBe(0xffff_ffff)
    expect(emulator.read(at(2, 0, 0, 0), 4)).toBe(0xffff_ffff)
    expect(root.functions).toContain(inner)
  })

  test('interrupts while an event is pending that is enabled', () => {
    root.insert(port, [inner])
    expect(emulator.intx).toBe(false)
    emulator.write(at(0, 4, 0, SLOT.control), 2, 0x1028)
    expect(emulator.intx).toBe(true)
    emulator.write(at(0, 4, 0, SLOT.status), 2, 0x8)
    expect([emulator.intx, get(SLOT.status)]).toEqual([true, 0x140])
    emulator.write(at(0, 4, 0, SLOT.status), 2, 0x100)
    expect([emulator.intx, get(SLOT.status)]).toEqual([false, 0x40])
    emulator.write(at(0, 4, 0, SLOT.control), 2, 0)
    port.setLink(false)
    expect([emulator.intx, get(SLOT.status), get(SLOT.link)]).toEqual([false, 0x140, 0x11])
  })

  test('takes back what was there: its line, its interrupts, its place', () => {
    root.insert(port, [inner])
    emulator.write(at(1, 0, 0, 4), 2, 6)
    inner.intx = true
    expect(emulator.intx).toBe(true)
    port.eject()
    expect(emulator.intx).toBe(false)
    expect(inner.interrupt()).toBe(false)
    expect([get(SLOT.status), get(SLOT.link)]).toEqual([0x108, 0x11])
    expect(emulator.read(at(1, 0, 0, 0), 4)).toBe(0xffff_ffff)
    root.insert(port, [inner])
    expect(emulator.read(at(1, 0, 0, 0), 4)).toBe(0xb500_104c)
    expect(emulator.intx).toBe(true)
  })

  test('passes on what is in its window, while it decodes', () => {
    root.insert(port, [inner])
    emulator.write(at(1, 0, 0, 0x10), 4, WINDOW + 0x10_0000)
    emulator.write(at(1, 0, 0, 4), 2, 2)
    emulator.write(WINDOW + 0x10_0004, 4, 5)
    expect(emulator.read(WINDOW + 0x10_0004, 4)).toBe(5)
    emulator.write(at(0, 4, 0, 4), 2, 0)
    expect(emulator.read(WINDOW + 0x10_0004, 4)).toBe(0xffff_ffff)
    emulator.write(at(0, 4, 0, 4), 2, 2)
    emulator.write(at(1, 0, 0, 0x10), 4, WINDOW + 0x20_0000)
    expect(emulator.read(WINDOW + 0x20_0004, 4)).toBe(0xffff_ffff)
  })

  test('keeps through a reset what is plugged in', () => {
    root.insert(port, [inner])
    root.reset()
    expect([get(SLOT.status), get(SLOT.link)]).toEqual([0x40, 0x2011])
    expect(port.secondaryBus).toBe(0)
  })
})

describe('interrupts behind a root complex', () => {
  test('INTx is one line: asserted while anybody asserts', () => {
    const [one, other] = [make('00:01.0', { interruptPin: 1 }), make('00:02.0', { interruptPin: 2 })]
    const root = new RootComplex({ functions: [one, other] })
    const emulator = new Emulator(root)
    one.intx = true
    other.intx = true
    one.intx = false
    expect(emulator.intx).toBe(true)
    other.intx = false
    expect(emulator.intx).toBe(false)
    one.intx = true
    root.reset()
    expect(emulator.intx).toBe(false)
  })

  describe('messages are writes where the guest said', () => {
    let fn: PciFunction
    let emulator: Emulator
    const [MSI, MSIX] = [0x84, 0x94]

    beforeEach(() => {
      fn = specimen({ at: '00:01.0' })
      emulator = new Emulator(new RootComplex({ functions: [fn] }))
      fn.writeConfig(4, 2, 6)
    })

    /** Fills a row of the MSI-X table, in BAR 1. */
    const row = (vector: number, address: number, data: number, control: number) => {
      fn.writeBar(1, 16 * vector, 4, address)
      fn.writeBar(1, 16 * vector + 4, 4, 1)
      fn.writeBar(1, 16 * vector + 8, 4, data)
      fn.writeBar(1, 16 * vector + 12, 4, control)
    }

    test('MSI: with the vector in the low bits of the data, as many as were allowed', () => {
      fn.writeConfig(MSI + 4, 4, 0x0808_0040)
      fn.writeConfig(MSI + 8, 4, 2)
      fn.writeConfig(MSI + 12, 2, 0x4b07)
      expect(fn.interrupt(0)).toBe(false)
      fn.writeConfig(MSI + 2, 2, 0x01 | (1 << 4))
      expect([0, 1, 2, 3].map((vector) => fn.interrupt(vector))).toEqual([true, true, false, false])
      expect(emulator.written).toEqual([
        { address: 0x2_0808_0040, data: '064b0000' },
        { address: 0x2_0808_0040, data: '074b0000' },
      ])
    })

    test('MSI-X: from the table, unless the vector or all are masked', () => {
      row(0, 0x0808_0040, 0x8000_0001, 0)
      row(7, 0x0808_0080, 7, 1)
      expect(fn.interrupt(0)).toBe(false)
      fn.writeConfig(MSIX + 2, 2, 0x8000)
      expect([fn.interrupt(0), fn.interrupt(7), fn.interrupt(8)]).toEqual([true, false, false])
      fn.writeConfig(MSIX + 2, 2, 0xc000)
      expect(fn.interrupt(0)).toBe(false)
      fn.writeConfig(MSIX + 2, 2, 0x8000)
      row(7, 0x0808_0080, 7, 0)
      expect(fn.interrupt(7)).toBe(true)
      expect(emulator.written).toEqual([
        { address: 0x1_0808_0040, data: '01000080' },
        { address: 0x1_0808_0080, data: '07000000' },
      ])
    })
  })

  test('a message that nobody takes is a failure of the root complex', async () => {
    const fn = make('00:01.0', { capabilities: [msi()] })
    const root = new RootComplex({ functions: [fn] })
    const failures: unknown[] = []
    root.onFailure((error) => failures.push(error))
    const memory = { write: () => Promise.reject(new Error('nobody there')) }
    root.connected({ memory, interrupts: {} } as never)
    fn.writeConfig(4, 2, 4)
    fn.writeConfig(0x42, 2, 1)
    expect(fn.interrupt()).toBe(true)
    await new Promise(setImmediate)
    expect(failures).toEqual([new Error('nobody there')])
  })
})
