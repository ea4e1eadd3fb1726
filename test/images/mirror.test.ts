// SPDX-License-Identifier: Apache-2.0
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { findMirror } from '../../images/mirror.ts'

let etc: string

beforeEach(async () => {
  etc = await mkdtemp(join(tmpdir(), 'guestrig-etc-'))
  await mkdir(join(etc, 'sources.list.d'))
  vi.stubEnv('GUESTRIG_MIRROR', '')
})

afterEach(async () => {
  vi.unstubAllEnvs()
  await rm(etc, { recursive: true })
})

const OTHERS = 'deb [arch=amd64 signed-by=/x.gpg] https://packages.example.com/apt cloud-sdk-bookworm main\n'

describe('findMirror', () => {
  it('reads a one-line sources.list, past comments, options, other archives and security', async () => {
    await writeFile(
      join(etc, 'sources.list'),
      `# deb http://old.example.org/debian buster main
deb http://security.example.org/debian-security bookworm-security main
${OTHERS}deb-src http://src.example.org/debian bookworm main
deb [arch=amd64] http://mirror.example.org/debian/ bookworm main contrib
`,
    )
    expect(await findMirror(undefined, etc)).toBe('http://mirror.example.org/debian')
  })

  it('reads deb822 sources with comments, continued fields and disabled stanzas', async () => {
    await writeFile(
      join(etc, 'sources.list.d/debian.sources'),
      `Types: deb
Enabled: no
URIs: http://off.example.org/debian
Suites: trixie

Types: deb deb-src
# http://snapshot.example.org/archive
URIs: http://mirror.example.org/debian
Suites: trixie
 trixie-updates
Components: main

Types: deb
URIs: http://mirror.example.org/debian-security
Suites: trixie-security
`,
    )
    await writeFile(join(etc, 'sources.list.d/a.list'), OTHERS)
    expect(await findMirror(undefined, etc)).toBe('http://mirror.example.org/debian')
  })

  it('takes GUESTRIG_MIRROR before the host, and what was asked for before both', async () => {
    vi.stubEnv('GUESTRIG_MIRROR', 'http://env.example.org/debian/')
    expect(await findMirror(undefined, etc)).toBe('http://env.example.org/debian')
    expect(await findMirror('http://asked.example.org/debian', etc)).toBe('http://asked.example.org/debian')
  })

  it('says what to do where there is none', async () => {
    await writeFile(join(etc, 'sources.list'), OTHERS)
    await expect(findMirror(undefined, etc)).rejects.toMatchObject({
      name: 'HostProblem',
      message: expect.stringContaining('no Debian mirror'),
      remedy: expect.stringContaining('GUESTRIG_MIRROR'),
    })
  })
})
