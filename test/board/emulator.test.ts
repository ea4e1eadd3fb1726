// SPDX-License-Identifier: Apache-2.0
/** The QEMU process and its control wires, without any guest: the machine is stopped before its first instruction. */
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { Emulator } from '../../harness/board/index.ts'
import { MACHINE, UARTS, virtioMmio } from '../../harness/platform/virt-machine.ts'
import { locateImages, type Qemu } from '../../images/index.ts'
import { waitFor } from '../wait-for.ts'

let dir: string
let qemu: Qemu
let emulator: Emulator

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'guestrig-emulator-'))
  qemu = (await locateImages()).qemu
})

beforeEach(async () => {
  const args = ['-machine', MACHINE, '-cpu', 'cortex-a57', '-nodefaults', '-display', 'none', '-S']
  emulator = await Emulator.start({
    qemu,
    args: [...args, '-serial', 'chardev:uart0'],
    uarts: ['uart0'],
    wires: [],
    dir,
  })
})

afterEach(() => emulator.stop())

afterAll(() => rm(dir, { recursive: true }))

describe('QMP', () => {
  test('answers, and the conversation is on file', async () => {
    const status = await emulator.qmp.execute<{ status: string }>('query-status')
    expect(status.status).toBe('prelaunch')
    await emulator.stop()
    expect(await readFile(join(dir, 'qmp.log'), 'utf8')).toContain('> {"execute":"query-status"')
  })

  test("a refusal carries QEMU's class and the command", async () => {
    await expect(emulator.qmp.execute('no-such-command')).rejects.toMatchObject({
      name: 'QmpError',
      errorClass: 'CommandNotFound',
      command: 'no-such-command',
    })
  })

  test('an event is awaited with its data, and the wait ends with its signal', async () => {
    const resumed = emulator.qmp.next('RESUME', { signal: AbortSignal.timeout(5000) })
    await emulator.qmp.execute('cont')
    await resumed
    const late = emulator.qmp.next('POWERDOWN', { signal: AbortSignal.timeout(50) })
    await expect(late).rejects.toMatchObject({ name: 'TimeoutError' })
  })

  test('what is under way when QEMU goes is rejected, and so is what comes after', async () => {
    // A process that is stopped takes nothing any more, so the command stays under way.
    process.kill(emulator.pid, 'SIGSTOP')
    const underWay = emulator.qmp.execute('query-status')
    emulator.kill()
    await expect(underWay).rejects.toThrow(/QEMU has gone/)
    await emulator.ended
    await expect(emulator.qmp.execute('query-status')).rejects.toThrow(/QEMU has gone/)
  })
})

describe('qtest', () => {
  test('reads and writes physical memory and registers', async () => {
    expect(await emulator.qtest.read(virtioMmio(0).base, 4)).toBe(0x7472_6976n)
    await emulator.qtest.write(0x4000_1000, 8, 0x0123_4567_89ab_cdefn)
    expect(await emulator.qtest.read(0x4000_1000, 8)).toBe(0x0123_4567_89ab_cdefn)
    expect(await emulator.qtest.read(0x4000_1000, 2)).toBe(0xcdefn)
    expect(await emulator.qtest.read(0x4000_1007, 1)).toBe(0x01n)
  })

  test('a serial port and its file carry the same bytes', async () => {
    const came: Buffer[] = []
    emulator.wire('uart0').on('data', (bytes: Buffer) => came.push(bytes))
    for (const byte of Buffer.from('hi\n')) await emulator.qtest.write(UARTS[0].base, 4, byte)
    await waitFor('the bytes', 5000, async () => Buffer.concat(came).toString() === 'hi\n')
    expect(await readFile(join(dir, 'uart0.raw'), 'utf8')).toBe('hi\n')
  })
})

test('a wire that nobody asked for is named', () => {
  expect(() => emulator.wire('uart7')).toThrow(/no wire uart7: there are qmp, qtest, uart0/)
})
