// SPDX-License-Identifier: Apache-2.0
/** Every way in which a board can fail has a verdict and a message of its own, on the real stack, long before any time-out. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { GuestCrash, GuestHang } from '../../harness/console/index.ts'
import { expect as expectGuest } from '../../harness/index.ts'
import type { Board } from '../../harness/platform/index.ts'
import { bootBoard } from '../../harness/platform/index.ts'
import { type Images, locateImages } from '../../images/index.ts'
import { writeFaultyXen } from './faulty-xen.ts'

let root: string
let images: Images

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'guestrig-failures-'))
  images = await locateImages()
})

afterAll(() => rm(root, { recursive: true }))

let boards = 0

async function onBoard(
  platform: 'virt' | 'xen',
  body: (board: Board) => Promise<void>,
  its = images,
): Promise<void> {
  const board = await bootBoard(platform, { images: its, dir: join(root, String(boards++)) })
  try {
    await body(board)
  } finally {
    await board.stop()
  }
}

/** What a promise rejects with. */
const rejection = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => undefined,
    (error: unknown) => error,
  )

/** An Image that an arm64 boot loader accepts, and whose code does what `code` says, then goes round in a circle (`b .`) without a word. */
async function silentImage(...code: number[]): Promise<string> {
  const image = Buffer.alloc(0x1000)
  image.writeUInt32LE(0x1400_0010, 0)
  for (const [index, word] of [...code, 0x1400_0000].entries()) image.writeUInt32LE(word, 0x40 + 4 * index)
  image.writeBigUInt64LE(BigInt(image.length), 16)
  image.write('ARM\x64', 56, 'latin1')
  const file = join(root, `Image.silent-${code.length}`)
  await writeFile(file, image)
  return file
}

/** Masks all interrupts (`msr daifset, #15`), then WFE, twice: the first may find an event that was there before. */
const ASLEEP = [0xd503_4fdf, 0xd503_205f, 0xd503_205f]

describe('a board that does not come up', () => {
  test('an Image that does not boot hangs, and the processors are shown', async () => {
    const image = await silentImage()
    const kernel = { ...images.kernel, image }
    const dir = join(root, 'silent')
    const error = await rejection(bootBoard('virt', { images: { ...images, kernel }, dir }))
    expect(error).toBeInstanceOf(GuestHang)
    expect(String(error)).toMatch(/the boot hangs: nothing was printed for \d+ s; not up: linux/)
    expect(String(error)).toMatch(/PC=0000000040\d+/)
  })

  test('processors that sleep in WFE for ever are the emulator, and shown as well', async () => {
    const kernel = { ...images.kernel, image: await silentImage(...ASLEEP) }
    const dir = join(root, 'asleep')
    const error = await rejection(bootBoard('virt', { images: { ...images, kernel }, dir }))
    expect(error).toMatchObject({ name: 'HostProblem' })
    expect(String(error)).toMatch(/the emulator is stuck: no processor runs, and CPU#0 sleeps in WFE/)
    expect(String(error)).toMatch(/PC=0000000040\d+/)
  })

  test('a path that leads to no Image is a problem of the host', async () => {
    const missing = join(root, 'no-such-Image')
    await expect(locateImages({ kernel: missing })).rejects.toThrow(missing)
    const text = join(root, 'text')
    await writeFile(text, 'not a kernel')
    await expect(locateImages({ kernel: text })).rejects.toMatchObject({ name: 'HostProblem' })
  })

  test('a kernel without its init panics, and the panic is the verdict', async () => {
    const empty = join(root, 'broken.cpio')
    await writeFile(empty, 'no archive')
    const initramfs = { ...images.initramfs, bare: empty }
    const error = await rejection(
      bootBoard('virt', { images: { ...images, initramfs }, dir: join(root, 'no-init') }),
    )
    expect(error).toBeInstanceOf(GuestCrash)
    expect((error as GuestCrash).failure.title).toMatch(/^kernel panic: .*(root fs|No working init)/)
  })

  test('a domU for which there is no memory: the hypervisor panics, and its panic is the verdict', async () => {
    const domUs = [{ name: 'DomU', memory: 8192 }]
    const error = await rejection(bootBoard('xen', { images, domUs, dir: join(root, 'too-big') }))
    expect(error).toBeInstanceOf(GuestCrash)
    const { failure } = error as GuestCrash
    expect(failure).toMatchObject({
      ...{ kind: 'xen-panic', domain: 'Xen', complete: true },
      title: expect.stringMatching(
        /^Xen panic: Failed to allocate requested domain memory\. 8388608KB unallocated/,
      ),
    })
    expect(failure.report.slice(0, 2)).toEqual(['*'.repeat(40), 'Panic on CPU 0:'])
    expect(failure.report.at(-1)).toBe('Reboot in five seconds...')
  })

  test('QEMU that refuses its arguments is quoted', async () => {
    const broken = { ...images, qemu: { ...images.qemu, command: [...images.qemu.command, '-nonsense'] } }
    const error = await rejection(bootBoard('virt', { images: broken, dir: join(root, 'refused') }))
    expect(error).toMatchObject({ name: 'HostProblem' })
    expect(String(error)).toContain('-nonsense: invalid option')
  })
})

describe('a board that fails while something is awaited', () => {
  test('a panic ends the wait at once, with the whole report', async () => {
    await onBoard('virt', async (board) => {
      const wait = rejection(
        expectGuest(board.domain().console).toPrint(/never printed/, { timeout: 60_000 }),
      )
      await rejection(board.domain().run('echo c >/proc/sysrq-trigger'))
      const error = await wait
      expect(error).toBeInstanceOf(GuestCrash)
      const { failure } = error as GuestCrash
      expect(failure).toMatchObject({ domain: 'linux', title: 'kernel panic: sysrq triggered crash' })
      expect(failure.report.at(-1)).toMatch(/---\[ end Kernel panic/)
    })
  })

  test('a panic of another domain ends it too', async () => {
    await onBoard('xen', async (board) => {
      const wait = rejection(
        expectGuest(board.domain('dom0').console).toPrint(/never printed/, { timeout: 60_000 }),
      )
      await board.xl('sysrq', 'DomU', 'c')
      expect(await wait).toMatchObject({ name: 'GuestCrash', failure: { domain: 'DomU' } })
    })
  })

  test('a hypervisor that crashes by its debug key is the culprit, with its function and its whole report', async () => {
    const image = join(root, 'xen.faulty')
    await writeFaultyXen(images.xen.image, image, 'dump run queues')
    const faulty = { ...images, xen: { ...images.xen, image } }
    await onBoard(
      'xen',
      async (board) => {
        const wait = rejection(
          expectGuest(board.domain().console).toPrint(/never printed/, { timeout: 60_000 }),
        )
        await rejection(board.xl('debug-keys', 'r'))
        const error = await wait
        expect(error).toBeInstanceOf(GuestCrash)
        const { report, ...failure } = (error as GuestCrash).failure
        expect(failure).toEqual({
          ...{ kind: 'xen-trap', title: 'Xen: unexpected trap: Hypervisor in dump_runq' },
          ...{ domain: 'Xen', frame: 'dump_runq', complete: true },
        })
        expect(report[0]).toMatch(/^Hypervisor Trap\. HSR=/)
        expect(report.at(-1)).toBe('Reboot in five seconds...')
      },
      faulty,
    )
  })

  test('a domU that is destroyed is gone by its name, and no wait lasts for its time limit', async () => {
    await onBoard('xen', async (board) => {
      const wait = rejection(
        expectGuest(board.domain('DomU').console).toPrint(/never printed/, { timeout: 60_000 }),
      )
      const command = rejection(board.domain('DomU').run('sleep 600', { timeout: 600_000 }))
      await board.xl('destroy', 'DomU')
      const gone = {
        name: 'GuestCrash',
        failure: { kind: 'domain-ended', domain: 'DomU', title: 'domain DomU was destroyed' },
      }
      expect(await wait).toMatchObject(gone)
      expect(await command).toMatchObject(gone)
    })
  })

  test('QEMU that is killed is a problem of the host, with the last lines', async () => {
    await onBoard('virt', async (board) => {
      const wait = rejection(
        expectGuest(board.domain().console).toPrint(/never printed/, { timeout: 60_000 }),
      )
      const command = rejection(board.domain().run('sleep 600', { timeout: 600_000 }))
      process.kill(board.emulator.pid as number, 'SIGKILL')
      for (const error of [await wait, await command, await rejection(board.domain().run('true'))]) {
        expect(error).toMatchObject({ name: 'HostProblem' })
        expect(String(error)).toMatch(/QEMU was killed by SIGKILL[\s\S]*the last lines of linux:/)
      }
    })
  })

  test('a guest that halts the machine did that, and not the host', async () => {
    await onBoard('virt', async (board) => {
      const wait = rejection(
        expectGuest(board.domain().console).toPrint(/never printed/, { timeout: 60_000 }),
      )
      const command = await rejection(board.domain().run('echo b >/proc/sysrq-trigger'))
      for (const error of [await wait, command]) {
        expect(error).toMatchObject({
          name: 'GuestCrash',
          failure: { title: 'the guest ended the machine: guest-reset', domain: 'linux' },
        })
      }
    })
  })

  test('a guest that stands still hangs; a line that does not come in a live guest is a failed assertion', async () => {
    await onBoard('virt', async (board) => {
      const { console } = board.domain()
      const late = await rejection(expectGuest(console).toPrint(/never printed/, { timeout: 300 }))
      expect(late).toMatchObject({ name: 'DeadlineExpired' })
      expect(String(late)).toContain('/never printed/')
      await board.emulator.qmp.execute('stop')
      const still = await rejection(expectGuest(console).toPrint(/never printed/, { timeout: 300 }))
      expect(still).toBeInstanceOf(GuestHang)
    })
  })

  test('an emulator that stands still is stuck, and the guest is not to blame', async () => {
    await onBoard('virt', async (board) => {
      process.kill(board.emulator.pid as number, 'SIGSTOP')
      const error = await rejection(
        expectGuest(board.domain().console).toPrint(/never printed/, { timeout: 300 }),
      )
      expect(error).toMatchObject({ name: 'HostProblem' })
      expect(String(error)).toMatch(/the emulator is stuck: QEMU has not answered on its control channel/)
    })
  })

  test('a driver that does not load says why', async () => {
    await onBoard('virt', async (board) => {
      const error = await rejection(board.domain().loadDriver('pseudo-hotplug', { keys: 'nonsense' }))
      expect(error).toMatchObject({ name: 'HostProblem' })
      expect(String(error)).toMatch(/the driver pseudo-hotplug does not load[\s\S]*pseudo-hotplug:/)
    })
  })

  test('a line that must not be there is found', async () => {
    await onBoard('virt', async (board) => {
      const error = await rejection(expectGuest(board.domain().console).toStayQuietAbout(/Run \/init/))
      expect(String(error)).toMatch(/did not stay quiet about .*\n.*Run \/init as init process/)
    })
  })
})

test('every run leaves its consoles, its trees and a way to reproduce it', async () => {
  let dir = ''
  await onBoard('xen', async (board) => {
    dir = board.dir
  })
  for (const name of [
    'uart0.raw',
    'uart1.raw',
    'console-DomU.log',
    'console-dom0.log',
    'console-Xen.log',
    'qmp.log',
  ]) {
    expect((await readFile(join(dir, name))).length, name).toBeGreaterThan(0)
  }
  expect(await readFile(join(dir, 'board.dts'), 'utf8')).toContain('xen,domain')
  expect(await readFile(join(dir, 'DomU.dts'), 'utf8')).toContain('xen,grant-dma')
  expect(await readFile(join(dir, 'reproduce.sh'), 'utf8')).not.toContain('fd=')
})
