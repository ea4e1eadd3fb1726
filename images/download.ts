// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { mkdir, readdir, rename, rm, stat } from 'node:fs/promises'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { aptOptions, firstError, type Package } from './apt.ts'
import { HostProblem, PackageGone, ToolFailed } from './problem.ts'
import type { Amount } from './progress.ts'
import { runTool } from './run.ts'

/** How often the size of what has come is looked at, ms. */
const LOOK_EVERY = 250

interface DownloadOptions {
  /** Folder of the private apt. */
  apt: string
  onProgress: (amount: Amount) => void
  signal?: AbortSignal | undefined
}

/**
 * Fetches packages into a folder through apt's own transport, which checks their hashes, and gives the files' paths in
 * the order of the packages. What is there already from an interrupted run is checked and kept.
 * @throws {HostProblem} the mirror does not answer, or has dropped a package
 */
export async function download(
  packages: readonly Package[],
  folder: string,
  { apt, onProgress, signal }: DownloadOptions,
): Promise<string[]> {
  await mkdir(folder, { recursive: true })
  const files = packages.map((wanted) => ({
    ...wanted,
    path: join(folder, `${wanted.sha256.slice(0, 16)}.deb`),
  }))
  const missing = []
  for (const file of files) {
    if (existsSync(file.path) && (await sha256(file.path)) === file.sha256) continue
    await rm(file.path, { force: true })
    missing.push(file)
  }
  if (missing.length === 0) return files.map(({ path }) => path)

  const total = files.reduce((sum, { size }) => sum + size, 0)
  const looking = setInterval(() => {
    void sizeOf(folder).then((done) => onProgress({ done: Math.min(done, total), total, unit: 'bytes' }))
  }, LOOK_EVERY)
  try {
    const asked = missing.flatMap(({ uri, path, sha256: hash }) => [uri, `${path}.part`, `SHA256:${hash}`])
    await runTool(['/usr/lib/apt/apt-helper', ...(await aptOptions(apt)), '-qq', 'download-file', ...asked], {
      signal,
    })
    for (const { path } of missing) await rename(`${path}.part`, path)
  } catch (error) {
    throw problem(error, missing)
  } finally {
    clearInterval(looking)
  }
  return files.map(({ path }) => path)
}

async function sizeOf(folder: string): Promise<number> {
  const names = await readdir(folder).catch(() => [])
  const sizes = await Promise.all(
    names.map((name) =>
      stat(join(folder, name)).then(
        ({ size }) => size,
        () => 0,
      ),
    ),
  )
  return sizes.reduce((sum, size) => sum + size, 0)
}

async function sha256(file: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(file), hash)
  return hash.digest('hex')
}

function problem(error: unknown, asked: readonly Package[]): unknown {
  if (!(error instanceof ToolFailed)) return error
  const gone = /Failed to fetch (\S+)\s+404/.exec(error.stderr)?.[1]
  if (gone) {
    return new PackageGone(`the mirror no longer has ${gone}`, 'guestrig setup --update', { cause: error })
  }
  const from = asked[0] ? new URL(asked[0].uri).origin : 'the mirror'
  return new HostProblem(
    `a package cannot be fetched from ${from}: ${firstError(error.stderr)}`,
    'check the network, or set GUESTRIG_MIRROR and type guestrig setup --update; what has come is kept',
    { cause: error },
  )
}
