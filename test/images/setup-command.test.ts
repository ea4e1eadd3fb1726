// SPDX-License-Identifier: Apache-2.0
// `guestrig setup` as a person meets it when the host is in the way: one message, a remedy, exit status 125.

import { chmod, mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa, type Options } from 'execa'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { processesAbout } from '../processes.ts'

const GUESTRIG = join(import.meta.dirname, '../../bin/guestrig.mjs')
/** Nothing listens on the discard port. */
const NOWHERE = 'http://127.0.0.1:9/debian'

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'guestrig-setup-'))
})
afterEach(() => rm(folder, { recursive: true, force: true, maxRetries: 5 }))

function start(argv: string[], env: Record<string, string>) {
  const own = { GUESTRIG_CACHE: join(folder, 'cache'), NO_COLOR: '1' }
  const options = { env: { ...own, ...env }, reject: false } satisfies Options
  return execa(process.execPath, [GUESTRIG, ...argv], options)
}

/** The message and the remedy: the last lines, and the only ones that are not of progress. */
async function fails(argv: string[], env: Record<string, string>) {
  const { exitCode, stderr } = await start(argv, env)
  const said = stderr.split('\n').filter((line) => !/^(✔ )?\[\d+\/\d+\] /.test(line))
  expect(exitCode, stderr).toBe(125)
  expect(said, stderr).toHaveLength(2)
  return { error: said[0], remedy: said[1] }
}

/** A folder for PATH with one command in it that stands for the real one, before the real ones. */
async function pathWith(name: string, script: string): Promise<string> {
  const bin = join(folder, 'bin')
  await mkdir(bin)
  await writeFile(join(bin, name), `#!/bin/sh\n${script}\n`)
  await chmod(join(bin, name), 0o755)
  return `${bin}:${process.env.PATH}`
}

describe('guestrig setup', () => {
  it('names a mirror that does not answer', async () => {
    const { error, remedy } = await fails(['setup'], { GUESTRIG_MIRROR: NOWHERE })
    expect(error).toContain(`the Debian mirror ${NOWHERE} cannot be reached`)
    expect(remedy).toContain('GUESTRIG_MIRROR')
  })

  it('names a package that the mirror does not have', async () => {
    const PATH = await pathWith(
      'apt-get',
      'case "$*" in *update*) exit 0;; esac; echo "E: Unable to locate package linux-source-9.9" >&2; exit 100',
    )
    const { error, remedy } = await fails(['setup', '--kernel', '9.9'], { PATH, GUESTRIG_MIRROR: NOWHERE })
    expect(error).toBe(
      `error: the mirror ${NOWHERE} has no package linux-source-9.9 in trixie, trixie-backports`,
    )
    expect(remedy).toContain('6.12')
  })

  it('names the tools that are missing, and the command that brings them', async () => {
    const bin = join(folder, 'bin')
    await mkdir(bin)
    await symlink(process.execPath, join(bin, 'node'))
    const { error, remedy } = await fails(['setup'], { PATH: bin, GUESTRIG_NO_INSTALL: '1' })
    expect(error).toContain('aarch64-linux-gnu-gcc')
    expect(remedy).toMatch(/apt-get install -y --no-install-recommends .*gcc-aarch64-linux-gnu/)
  })

  it('names a cache that may not be written', async () => {
    await writeFile(join(folder, 'file'), '')
    const { error, remedy } = await fails(['setup'], { GUESTRIG_CACHE: join(folder, 'file/cache') })
    expect(error).toContain('is not a folder')
    expect(remedy).toContain('GUESTRIG_CACHE')
  })

  it.skipIf(process.getuid?.() !== 0)('says that the disk is full', async () => {
    const disk = join(folder, 'disk')
    await mkdir(disk)
    await execa('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', disk])
    try {
      const env = { GUESTRIG_CACHE: join(disk, 'cache'), GUESTRIG_MIRROR: NOWHERE }
      const { error, remedy } = await fails(['setup', '--kernel', '6.12'], env)
      expect(error).toMatch(/^error: the disk .* is full$/)
      expect(remedy).toContain('GUESTRIG_CACHE')
    } finally {
      await execa('umount', [disk])
    }
  })

  it('ends within 2 s of Ctrl-C, with nothing half-written and nothing left running', async () => {
    const PATH = await pathWith('apt-get', `exec sleep ${SLEEP}`)
    const setup = start(['setup'], { PATH, GUESTRIG_MIRROR: NOWHERE })
    await new Promise<void>((resolve) => {
      setup.stderr.on('data', (chunk: Buffer) => chunk.includes('package index') && resolve())
    })
    await expect.poll(sleepers).toBe(1)
    const begin = performance.now()
    setup.kill('SIGINT')
    const { exitCode } = await setup
    expect(performance.now() - begin).toBeLessThan(2000)
    expect(exitCode).toBe(130)
    expect((await readdir(join(folder, 'cache'))).filter((name) => name.endsWith('.partial'))).toEqual([])
    await expect.poll(sleepers).toBe(0)
  })
})

/** A length of sleep that nobody else sleeps, s: tells our process from others. */
const SLEEP = 86_413

const sleepers = async (): Promise<number> => (await processesAbout(`sleep ${SLEEP}`)).length

describe('guestrig doctor', () => {
  it('says what is missing and how to mend it', async () => {
    const { exitCode, stdout } = await start(['doctor'], {})
    expect(exitCode).toBe(125)
    expect(stdout).toMatch(/^QEMU +missing$/m)
    expect(stdout).toMatch(/^→ guestrig setup$/m)
  })
})
