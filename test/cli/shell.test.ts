// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { processesAbout } from '../processes.ts'
import { waitFor } from '../wait-for.ts'
import { guestrig } from './guestrig.ts'
import { Typist } from './typist.ts'

const PROJECT = resolve(import.meta.dirname, '../..')
const ESCAPE = '\x1d'
const PROMPT = /~ # /

let dir: string
let person: Typist

/** A person in a shell of their own, in which the prompt is `ready:`. */
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'guestrig-shell-'))
  person = new Typist(['env', 'PS1=ready:', 'sh'], PROJECT)
  await person.sees(/ready:/)
})

afterEach(async () => {
  person.hangUp()
  await person.exit
  await gone()
  await rm(dir, { recursive: true, force: true })
})

/** No process that has the run's folder in its arguments is left: neither guestrig nor QEMU. */
const gone = () =>
  waitFor('the end of all processes', 10_000, async () => (await processesAbout(dir)).length === 0)

/** Sends a signal to the processes of this run that have `program` in their command lines. */
async function kill(program: string, signal: string): Promise<void> {
  const found = (await processesAbout(dir)).filter((line) => line.includes(program))
  expect(found).not.toEqual([])
  for (const line of found) process.kill(Number.parseInt(line, 10), signal)
}

const start = (options: string) => person.type(`node bin/guestrig.mjs shell --out ${dir} ${options}\r`)

async function up(options: string): Promise<void> {
  start(options)
  await person.sees(/booting/)
  await person.sees(/Linux version/)
  await person.sees(/up after [\d.]+ s/)
  await person.sees(PROMPT)
}

/** Types a command in the guest and waits for a line of its output. */
async function says(command: string, line: RegExp): Promise<void> {
  person.type(`${command}\r`)
  await person.sees(new RegExp(`\\n${line.source}\\r`))
}

/** The status of what ran last in the person's own shell. */
async function statusIs(status: number): Promise<void> {
  await person.sees(/ready:/)
  person.type('echo status $?\r')
  expect((await person.sees(/\nstatus (\d+)/))[1]).toBe(String(status))
}

/** What `stty -a` says of the terminal now. */
async function terminalMode(name: string): Promise<string> {
  const file = join(dir, name)
  person.type(`stty -a >${file}; echo mode noted\r`)
  // Typed before the prompt is there, the line is echoed before it.
  await person.sees(/(?:\n|ready:)mode noted/)
  return await readFile(file, 'utf8')
}

describe('guestrig shell', () => {
  test('virt: the guest answers, its window has the right size, q gives the terminal back', async () => {
    const before = await terminalMode('before')
    await up('--platform virt')
    await says('echo $((6*7))', /42/)
    person.resize(90, 25)
    person.type('while [ "$(stty size)" != "25 90" ]; do :; done; echo fits\r')
    await person.sees(/\nfits\r/)
    person.type(`${ESCAPE}q`)
    await statusIs(0)
    person.resize(100, 30)
    expect(await terminalMode('after')).toBe(before)
  })

  test('xen: from the domU to dom0 and back, each with what it showed before', async () => {
    const before = await terminalMode('before')
    await up('')
    await says('echo $((6*7))', /42/)
    person.type(`${ESCAPE}1`)
    await person.sees(/\[1 dom0\]/)
    person.type('xl list\r')
    await person.sees(/\nDomU +1 /)
    person.type(`${ESCAPE}2`)
    await person.sees(/\[2 DomU\]/)
    await person.sees(/\n42\r/)
    await says('echo $((6*8))', /48/)
    person.type(`${ESCAPE}n`)
    await person.sees(/\[3 Xen\]/)
    person.type('h')
    await person.sees(/show this message/)
    person.type(`${ESCAPE}?`)
    await person.sees(/1 dom0, 2 DomU, 3 Xen/)
    person.type(`${ESCAPE}q`)
    await statusIs(0)
    expect(await terminalMode('after')).toBe(before)
  })

  test('xen: a paste into the domU arrives whole, and three Ctrl-A do not take its keys away', async () => {
    await up('--no-dom0')
    await says(`echo ${'0123456789'.repeat(50)} | wc -c`, /501/)
    person.type('\x01\x01\x01')
    await says('echo $((6*7))', /42/)
  })

  test('Ctrl-C is for the guest', async () => {
    await up('--platform virt')
    // The process that says 42 is in the foreground already, and is the one that sleeps.
    person.type("sh -c 'echo $((6*7)); exec sleep 1000'\r")
    await person.sees(/\n42\r/)
    person.type('\x03')
    await person.sees(PROMPT)
    await says('echo $((6*8))', /48/)
  })

  test('a panic of the domU is told, with the terminal as before, and status 1', async () => {
    const before = await terminalMode('before')
    await up('')
    person.type('echo c >/proc/sysrq-trigger\r')
    await person.sees(/DomU crashed: .*[\s\S]*Kernel panic - not syncing/)
    await statusIs(1)
    expect(await terminalMode('after')).toBe(before)
  })

  test('of each warning there is one note', async () => {
    await up('--platform virt')
    for (const fn of ['first', 'second', 'third']) {
      // What is typed is on the console as well: the word in two parts, it is no warning.
      person.type(`echo "WARN""ING: CPU: 0 PID: 7 at mm/slub.c:1 ${fn}_one+0x1/0x2" >/dev/kmsg\r`)
      await person.sees(new RegExp(`linux: WARNING in ${fn}_one`))
    }
    person.type(`${ESCAPE}q`)
    await statusIs(0)
    expect(person.screen.match(/linux: WARNING in \w+/g)).toHaveLength(3)
  })

  test('a guest that switches the machine off ends it with status 0', async () => {
    await up('--platform virt')
    person.type('poweroff -f\r')
    await person.sees(/the guest ended the machine/)
    await statusIs(0)
  })

  test('q during the boot', async () => {
    start('')
    await person.sees(/Linux version/)
    person.type(`${ESCAPE}q`)
    await statusIs(0)
  })

  test.each(['SIGTERM', 'SIGHUP'])('%s: the terminal as before, status 130', async (signal) => {
    const before = await terminalMode('before')
    await up('--platform virt')
    await kill('bin/guestrig.mjs', signal)
    await statusIs(130)
    expect(await terminalMode('after')).toBe(before)
  })

  test('SIGKILL leaves no process', async () => {
    await up('--platform virt')
    expect((await processesAbout(dir)).length).toBeGreaterThan(1)
    await kill('bin/guestrig.mjs', 'SIGKILL')
    await person.sees(/Killed/)
    await gone()
  })

  test('a QEMU that is killed is a problem of the host', async () => {
    await up('--platform virt')
    await kill('qemu-system-aarch64', 'SIGKILL')
    await person.sees(/error: QEMU was killed by SIGKILL/)
    await statusIs(125)
  })

  test('without a terminal, and with options that say nothing: 129', async () => {
    expect(await guestrig(['shell'])).toMatchObject({
      exitCode: 129,
      stderr: expect.stringContaining('needs a terminal'),
    })
    expect(await guestrig(['shell', '--platform', 'vax'])).toMatchObject({ exitCode: 129 })
    start('--platform virt --no-dom0')
    await person.sees(/--no-dom0 says nothing on virt/)
    await statusIs(129)
  })
})
