// SPDX-License-Identifier: Apache-2.0
import { createHash, randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, open, readdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { holdLock, lockIsFree } from './lock.ts'
import { runTool } from './run.ts'

/** All that an entry is made from, as plain data: two recipes with the same inputs make the same entry. */
export type Inputs = { [name: string]: Inputs | string | number | boolean | readonly (Inputs | string)[] }

/** The folder of the cache, absolute: asked for, from the environment, or the user's. */
export function cacheFolder(asked?: string): string {
  const { GUESTRIG_CACHE, XDG_CACHE_HOME } = process.env
  return resolve(asked || GUESTRIG_CACHE || join(XDG_CACHE_HOME || join(homedir(), '.cache'), 'guestrig'))
}

/** What names an entry: its kind and a hash of its inputs. */
export function entryName(kind: string, inputs: Inputs): string {
  return `${kind}-${createHash('sha256').update(JSON.stringify(inputs)).digest('hex').slice(0, 16)}`
}

/** Name of the file in every entry that says what it was made from. */
const ENTRY_FILE = 'entry.json'
const UNFINISHED = '.partial'

/** Entries of the kinds that every edit makes anew which stay, whatever their age; a day's work stays as well. */
const EDITS_KEPT = 24
/** ms */
const DAY = 24 * 60 * 60 * 1000

export interface Scratch {
  folder: string
  remove(): Promise<void>
}

/**
 * A folder of entries. An entry is built beside its place under a lock of its own, and renamed into place when whole, so
 * that a folder with an entry's name is always complete.
 */
export class Cache {
  readonly folder: string

  constructor(folder: string) {
    this.folder = folder
  }

  path(name: string): string {
    return join(this.folder, name)
  }

  has(name: string): boolean {
    return existsSync(join(this.folder, name, ENTRY_FILE))
  }

  /** Where the packages of an entry wait until it is built; kept when a run is interrupted. */
  downloads(name: string): string {
    return join(this.folder, 'downloads', name)
  }

  lockFile(name: string): string {
    return join(this.folder, 'locks', name)
  }

  /** Runs `work` while no other process runs one of the same name. */
  async exclusively<T>(
    name: string,
    options: { signal?: AbortSignal | undefined; onWait: (holder: string) => void },
    work: () => Promise<T>,
  ): Promise<T> {
    await mkdir(join(this.folder, 'locks'), { recursive: true })
    const lock = await holdLock(this.lockFile(name), options)
    try {
      return await work()
    } finally {
      await lock.release()
    }
  }

  /** Makes an entry by calling `build` with an empty folder; call it while holding the entry's lock. */
  async make(name: string, inputs: Inputs, build: (into: string) => Promise<void>): Promise<void> {
    const unfinished = this.path(name + UNFINISHED)
    await removeTree(unfinished)
    await mkdir(unfinished, { recursive: true })
    try {
      await build(unfinished)
      await writeFile(join(unfinished, ENTRY_FILE), `${JSON.stringify(inputs, null, 2)}\n`)
      await runTool(['sync', '-f', unfinished])
      await rename(unfinished, this.path(name))
      await syncFolder(this.folder)
    } catch (error) {
      await removeTree(unfinished).catch(() => {})
      throw error
    }
    await removeTree(this.downloads(name))
  }

  /** A folder for the time of a run. Killed runs leave theirs to `sweep`. */
  async scratch(kind: string): Promise<Scratch> {
    const name = `${kind}-${randomUUID()}`
    await mkdir(join(this.folder, 'locks'), { recursive: true })
    const lock = await holdLock(this.lockFile(name), { onWait: () => {} })
    const folder = this.path(name + UNFINISHED)
    await mkdir(folder)
    const remove = async () => {
      await removeTree(folder)
      await lock.release()
      await rm(this.lockFile(name), { force: true })
    }
    return { folder, remove }
  }

  /** Of entries that are made anew with every edit, removes all but the newest; they take a second to make again. */
  async prune(kinds: RegExp, keep: ReadonlySet<string>): Promise<void> {
    const names = (await readdir(this.folder)).filter(
      (name) => kinds.test(name) && !name.endsWith(UNFINISHED),
    )
    const aged = await Promise.all(
      names.map(async (name) => ({ name, made: (await stat(this.path(name))).mtimeMs })),
    )
    const old = aged
      .sort((a, b) => b.made - a.made)
      .slice(EDITS_KEPT)
      .filter(({ name, made }) => !keep.has(name) && Date.now() - made > DAY)
    for (const { name } of old) await removeTree(this.path(name))
  }

  /** Removes what killed runs left half-way; what a living one is at work on stays. */
  async sweep(): Promise<void> {
    if (!existsSync(this.folder)) return
    for (const found of await readdir(this.folder)) {
      if (!found.endsWith(UNFINISHED)) continue
      const name = found.slice(0, -UNFINISHED.length)
      if (await lockIsFree(this.lockFile(name))) await removeTree(this.path(found))
    }
  }
}

/** Removes a folder, also one in which a tool that is just being killed still writes. */
async function removeTree(folder: string): Promise<void> {
  await rm(folder, { recursive: true, force: true, maxRetries: 10, retryDelay: 50 })
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder)
  try {
    await handle.sync()
  } finally {
    await handle.close()
  }
}
