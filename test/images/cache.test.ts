// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { Cache, entryName } from '../../images/cache.ts'

const ENTRY = entryName('thing', { what: 'test' })
const BUILDER = fileURLToPath(new URL('./helpers/build-entry.ts', import.meta.url))

let folder: string
let children: ChildProcess[]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'guestrig-cache-'))
  children = []
})

afterEach(async () => {
  for (const child of children) child.kill('SIGKILL')
  await rm(folder, { recursive: true, force: true, maxRetries: 5 })
})

/** A process that makes the entry with a shell command; `says` waits for a line that matches. */
function builder(command: string) {
  const child = spawn(process.execPath, ['--import', 'tsx', BUILDER, folder, command], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  children.push(child)
  const lines: string[] = []
  const reader = createInterface({ input: child.stdout })
  reader.on('line', (line) => lines.push(line))
  return {
    child,
    lines,
    async says(text: string) {
      while (!lines.some((line) => line.includes(text))) await once(reader, 'line')
    },
    async ended() {
      if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
    },
  }
}

/** For a builder's command: waits for `tell`. */
const UNTIL_TOLD = 'while [ ! -e ../go ]; do sleep 0.02; done'
const tell = () => writeFile(join(folder, 'go'), '')

/** Waits until a condition holds; the test's own time-out is the deadline. */
async function until(condition: () => boolean) {
  while (!condition()) await new Promise((resolve) => setTimeout(resolve, 10))
}

describe('an entry', () => {
  it('is there only when it is whole', async () => {
    const cache = new Cache(folder)
    const making = cache.make('a', {}, async (into) => {
      expect(cache.has('a')).toBe(false)
      expect(existsSync(into)).toBe(true)
    })
    await making
    expect(cache.has('a')).toBe(true)
    expect(await readdir(folder)).toEqual(['a'])
  })

  it('leaves nothing when its making fails', async () => {
    const cache = new Cache(folder)
    await expect(
      cache.make('a', {}, async () => {
        throw new Error('no')
      }),
    ).rejects.toThrow('no')
    expect(await readdir(folder)).toEqual([])
  })
})

describe('processes', () => {
  it('that want one entry at once make it once', async () => {
    const first = builder(`${UNTIL_TOLD}; echo x >> made`)
    await first.says('building')
    const second = builder('echo y >> made')
    await second.says('waiting')
    expect(second.lines[0]).toBe(`waiting for process ${first.child.pid}`)
    await tell()
    await Promise.all([first.ended(), second.ended()])
    expect(second.lines).not.toContain('building')
    expect(await readFile(join(folder, ENTRY, 'made'), 'utf8')).toBe('x\n')
  })

  it('killed with SIGKILL take their tools with them, free the lock at once, and are made up for', async () => {
    const tool = 'echo $$ > pid; (while :; do date >> noise; done) & wait'
    const killed = builder(tool)
    await killed.says('building')
    const pidFile = join(folder, `${ENTRY}.partial`, 'pid')
    await until(() => existsSync(pidFile))
    const pid = (await readFile(pidFile, 'utf8')).trim()
    killed.child.kill('SIGKILL')
    await until(() => !existsSync(`/proc/${pid}`))

    const next = builder('echo whole > made')
    await next.ended()
    expect(next.lines).toEqual(['building', 'done'])
    expect((await readdir(folder)).sort()).toEqual(['locks', ENTRY].sort())
    expect((await readdir(join(folder, ENTRY))).sort()).toEqual(['entry.json', 'made'])
  })

  it('leave alone what another one is making', async () => {
    const busy = builder(`${UNTIL_TOLD}; echo x > made`)
    await busy.says('building')
    await until(() => existsSync(join(folder, `${ENTRY}.partial`)))
    await new Cache(folder).sweep()
    expect(existsSync(join(folder, `${ENTRY}.partial`))).toBe(true)
    await tell()
    await busy.ended()
    expect(existsSync(join(folder, ENTRY, 'made'))).toBe(true)
  })
})
