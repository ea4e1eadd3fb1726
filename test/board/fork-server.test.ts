// SPDX-License-Identifier: Apache-2.0
/** QEMU, loaded once and forked for every emulator. The machines are stopped before their first instruction. */
import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { readdirSync, readFileSync, readlinkSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { Emulator, type EmulatorSpec } from '../../harness/board/index.ts'
import { locateImages, type Qemu } from '../../images/index.ts'
import { processesAbout } from '../processes.ts'
import { waitFor } from '../wait-for.ts'

const MACHINE = ['-machine', 'virt', '-nodefaults', '-display', 'none', '-S']

let dir: string
let qemu: Qemu
let started: Emulator[] = []

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'guestrig-fork-server-'))
  qemu = (await locateImages()).qemu
})

afterEach(async () => {
  await Promise.all(started.map((emulator) => emulator.stop()))
  started = []
})

afterAll(() => rm(dir, { recursive: true }))

async function start(spec: Partial<EmulatorSpec> = {}): Promise<Emulator> {
  const emulator = await Emulator.start({ qemu, args: MACHINE, uarts: [], wires: [], dir, ...spec })
  started.push(emulator)
  return emulator
}

const failure = (spec: Partial<EmulatorSpec>): Promise<Error> =>
  start(spec).then(
    () => Promise.reject(new Error('it started')),
    (error: Error) => error,
  )

/** pid of the process that forked it. */
const serverOf = ({ pid }: Emulator): number =>
  Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])

/** Whether a process runs. Of one that has ended the status may be left, until somebody asks for it (proc(5)). */
function isThere(pid: number): boolean {
  try {
    return readFileSync(`/proc/${pid}/cmdline`).length > 0
  } catch {
    return false
  }
}

/** What each of a process's file descriptors is. */
function descriptorsOf(pid: number | 'self'): Record<string, string> {
  const folder = `/proc/${pid}/fd`
  const found = readdirSync(folder).flatMap((fd) => {
    try {
      return [[fd, readlinkSync(join(folder, fd))]]
    } catch {
      // That of the listing itself.
      return []
    }
  })
  return Object.fromEntries(found)
}

describe('one server', () => {
  test('runs several emulators at once, and each answers for itself', async () => {
    const [one, other] = await Promise.all([
      start({ args: [...MACHINE, '-name', 'one'] }),
      start({ args: [...MACHINE, '-name', 'other'] }),
    ])
    expect(serverOf(one)).toBe(serverOf(other))
    const names = [one, other].map(({ qmp }) => qmp.execute<{ name: string }>('query-name'))
    expect(await Promise.all(names)).toEqual([{ name: 'one' }, { name: 'other' }])
    await one.stop()
    expect(await other.qmp.execute('query-status')).toMatchObject({ status: 'prelaunch' })
  })

  test('has nothing of theirs but what tells their end, and they have nothing of its own', async () => {
    const emulator = await start({ wires: ['serial'], uarts: ['uart0'] })
    const inherited = Object.values(descriptorsOf(emulator.pid)).filter((what) => /^(socket|pipe)/.test(what))
    // QMP, qtest, the wire; standard error, and the UART's two, each of which QEMU has opened once more.
    expect(inherited.map((what) => what.split(':')[0]).sort()).toEqual([
      ...Array.from({ length: 5 }, () => 'pipe'),
      ...Array.from({ length: 3 }, () => 'socket'),
    ])
    const servers = descriptorsOf(serverOf(emulator))
    expect(Object.keys(servers).slice(0, 4)).toEqual(['0', '1', '2', '3'])
    expect(Object.values(servers).slice(4)).toEqual(['anon_inode:[pidfd]'])
    expect(Object.values(descriptorsOf(emulator.pid))).not.toContain(servers[3])
    await emulator.stop()
    expect(Object.keys(descriptorsOf(serverOf(await start())))).toHaveLength(5)
  })

  test('leaves no descriptor in this process when they have gone', async () => {
    const startAndStop = async () => (await start({ wires: ['serial'], uarts: ['uart0'] })).stop()
    await startAndStop()
    const before = Object.keys(descriptorsOf('self')).length
    for (let time = 0; time < 20; time++) await startAndStop()
    await waitFor('the sockets to be closed', 5000, async () => {
      return Object.keys(descriptorsOf('self')).length <= before
    })
  })
})

describe('an emulator', () => {
  test("shows QEMU's arguments to whoever lists processes", async () => {
    const { pid } = await start({ args: [...MACHINE, '-name', 'shown in the list'] })
    const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').replace(/\0+$/, '').split('\0')
    expect(words).toEqual(expect.arrayContaining([...qemu.command, ...MACHINE, 'shown in the list']))
    expect(words.at(-1)).toBe('qtest,id=qtest0,chardev=qtest,log=none')
  })

  test('begins with no signal blocked or ignored but what QEMU itself sees to', async () => {
    const { pid } = await start()
    const server = serverOf({ pid } as Emulator)
    const signals = (of: number) =>
      Object.fromEntries(
        [...readFileSync(`/proc/${of}/status`, 'utf8').matchAll(/^(Sig(?:Blk|Ign)):\s+(\w+)$/gm)].map(
          ([, name, mask]) => [name, BigInt(`0x${mask}`)],
        ),
      )
    expect(signals(server)).toEqual({ SigBlk: 0n, SigIgn: 0n })
    // SIGPIPE is 13: QEMU ignores it.
    expect(signals(pid).SigIgn).toBe(1n << 12n)
  })

  test('tells its status when it ends', async () => {
    const emulator = await start()
    await emulator.qmp.execute('quit')
    expect(await emulator.ended).toEqual({ code: 0, signal: null, stderr: '' })
  })

  test('tells the signal that killed it', async () => {
    const emulator = await start()
    process.kill(emulator.pid, 'SIGTERM')
    // QEMU takes that one for a wish.
    expect(await emulator.ended).toEqual({ code: 0, signal: null, stderr: '' })
    const other = await start()
    other.kill()
    expect(await other.ended).toEqual({ code: null, signal: 'SIGKILL', stderr: '' })
  })

  test('that refuses its arguments is quoted', async () => {
    const error = await failure({ args: ['-nonsense'] })
    expect(error).toMatchObject({ name: 'HostProblem' })
    expect(error.message).toMatch(/^QEMU did not start: .*-nonsense: invalid option$/)
  })

  test('in a folder that is not there says which', async () => {
    const { message } = await failure({ dir: join(dir, 'gone') })
    expect(message).toMatch(/^QEMU did not start: fork-server: \/.*\/gone: No such file or directory$/)
  })

  test('takes arguments that are longer than a page, and says of too many what the limit is', async () => {
    const long = ['-name', 'x'.repeat(100_000)]
    const emulator = await start({ args: [...MACHINE, ...long] })
    expect(await emulator.qmp.execute('query-name')).toEqual({ name: long[1] })
    const error = await failure({ args: [...MACHINE, ...long, ...long] })
    expect(error.message).toMatch(
      /^QEMU did not start: its arguments take 2\d{5} bytes, and 131072 is the most$/,
    )
    expect(await emulator.qmp.execute('query-status')).toMatchObject({ status: 'prelaunch' })
  })
})

describe('an end', () => {
  test("of the server's is one of its emulators, which say so; and there is another server for the next", async () => {
    const emulators = [await start(), await start()]
    const server = serverOf(emulators[0] as Emulator)
    process.kill(server, 'SIGKILL')
    for (const { ended } of emulators) {
      expect(await ended).toEqual({
        ...{ code: null, signal: 'SIGKILL' },
        stderr: 'its fork server was killed by SIGKILL',
      })
    }
    for (const { pid } of emulators) expect(isThere(pid)).toBe(false)
    expect(serverOf(await start())).not.toBe(server)
  })

  test("of the server's is told to whoever starts an emulator just then", async () => {
    process.kill(serverOf(await start()), 'SIGKILL')
    const { message } = await failure({})
    expect(message).toBe('QEMU did not start: its fork server was killed by SIGKILL')
  })

  test('of its owner, even by SIGKILL, is one of the server and of its emulators', async () => {
    const owner = fork(join(import.meta.dirname, 'fixtures/owner.ts'), [dir], {
      execArgv: ['--import', 'tsx'],
    })
    const [[pid, server]] = (await messageOf(owner)) as [[number, number]]
    expect([pid, server].map(isThere)).toEqual([true, true])
    owner.kill('SIGKILL')
    await waitFor('both to go', 5000, async () => ![pid, server].some(isThere))
  })

  test('of its owner is not waited for by a server that has nothing to do', async () => {
    const owner = fork(join(import.meta.dirname, 'fixtures/owner.ts'), [dir, 'stop'], {
      execArgv: ['--import', 'tsx'],
    })
    const [[, server]] = (await messageOf(owner)) as [[number, number]]
    const [code] = await once(owner, 'exit')
    expect(code).toBe(0)
    await waitFor('the server to go', 5000, async () => !isThere(server))
  })
})

describe('a server that does not start', () => {
  test('is a problem of the host, with what the loader says', async () => {
    const error = await failure({ qemu: { ...qemu, forkServer: join(dir, 'gone.so') } })
    expect(error).toMatchObject({ name: 'HostProblem', remedy: expect.stringContaining('guestrig doctor') })
    expect(error.message).toMatch(/^QEMU did not start: .*gone\.so' from --preload cannot be preloaded/)
  })

  test('leaves nothing', async () => {
    const before = Object.keys(descriptorsOf('self')).length
    await failure({ qemu: { ...qemu, forkServer: join(dir, 'gone.so') }, uarts: ['uart0'] })
    await waitFor('the sockets to be closed', 5000, async () => {
      return Object.keys(descriptorsOf('self')).length <= before
    })
    expect(await processesAbout(join(dir, 'gone.so'))).toEqual([])
  })
})

/** The first message of a child process. */
async function messageOf(child: ChildProcess): Promise<unknown[]> {
  return await once(child, 'message', { signal: AbortSignal.timeout(20_000) })
}
