// SPDX-License-Identifier: Apache-2.0
/** A serial line without QEMU: this process writes where QEMU would, and reads there. */
import { closeSync, createWriteStream, openSync, readSync, writeSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { Uart } from '../../harness/board/uart.ts'

let dir: string
let file: string

beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'guestrig-uart-'))
  file = join(dir, 'uart0.raw')
})

afterEach(() => rm(dir, { recursive: true }))

/** QEMU's ends, opened once more under their names as QEMU does; the uart's own are closed. */
function qemusEnds(uart: Uart): { to: number; from: number } {
  const [to, from] = uart.qemusEnds
  const opened = { to: openSync(`/dev/fd/${to}`, 'w'), from: openSync(`/dev/fd/${from}`, 'r') }
  for (const end of uart.qemusEnds) closeSync(end)
  return opened
}

test('every byte comes, also those that are more than a pipe holds, and they are in the file', async () => {
  const uart = new Uart(file)
  const { to, from } = qemusEnds(uart)
  const sent = Array.from({ length: 40_000 }, (_, number) => `line ${number}\n`).join('')
  const came = text(uart)
  createWriteStream('', { fd: to }).end(sent)
  expect((await came) === sent).toBe(true)
  expect((await readFile(file, 'utf8')) === sent).toBe(true)
  closeSync(from)
})

test('nothing is read that nobody has room for', async () => {
  const uart = new Uart(file)
  const { to, from } = qemusEnds(uart)
  const writer = createWriteStream('', { fd: to })
  const sent = 'x'.repeat(1 << 20)
  writer.end(sent)
  const chunks: string[] = []
  for await (const chunk of uart) {
    chunks.push(String(chunk))
    expect(uart.readableLength).toBeLessThan(1 << 18)
  }
  expect(chunks.join('') === sent).toBe(true)
  closeSync(from)
})

test('what is written arrives', async () => {
  const uart = new Uart(file)
  const { to, from } = qemusEnds(uart)
  await new Promise((resolve) => uart.write('keys', resolve))
  const buffer = Buffer.alloc(8)
  expect(buffer.toString('utf8', 0, readSync(from, buffer))).toBe('keys')
  for (const fd of [to, from]) closeSync(fd)
  uart.destroy()
})

test('what was sent is there at once for whoever fetches it', async () => {
  const uart = new Uart(file)
  const { to, from } = qemusEnds(uart)
  const came: string[] = []
  uart.setEncoding('utf8').on('data', (chars: string) => came.push(chars))
  // A stream flows from the next turn on.
  await new Promise(setImmediate)
  uart.fetch()
  writeSync(to, 'now')
  uart.fetch()
  expect(came).toEqual(['now'])
  for (const fd of [to, from]) closeSync(fd)
  uart.destroy()
  uart.fetch()
})

test('a full disk is an error of the stream', async () => {
  const uart = new Uart('/dev/full')
  const { to, from } = qemusEnds(uart)
  const failed = new Promise<Error>((resolve) => uart.on('error', resolve).resume())
  writeSync(to, 'hello')
  expect((await failed).message).toMatch(/ENOSPC/)
  for (const fd of [to, from]) closeSync(fd)
})
