// SPDX-License-Identifier: Apache-2.0
import { readFile, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { HOST_ARCH, type Package, PrivateApt } from './apt.ts'
import type { Cache, Scratch } from './cache.ts'
import { findMirror } from './mirror.ts'
import { packageSet, type SetName } from './packages.ts'
import { HostProblem, notSetUp } from './problem.ts'
import type { Progress } from './progress.ts'

/** Says which versions of packages the images are made from. */
export interface PackageIndex {
  /** @throws {HostProblem} not known, and not to be found out */
  get(name: SetName): Promise<Package[]>
}

/** What the mirror had when it was last asked: the one thing in the cache that is not named by a hash. */
interface Resolved {
  hostArch: string
  sets: Partial<Record<SetName, Package[]>>
}

const RECORD = 'packages.json'
const STEP = 'package index'
const SUITES = ['trixie', 'trixie-backports']

/** The record, with nothing in it where nothing was resolved yet. */
async function readRecord(cache: string): Promise<Resolved> {
  try {
    const record = JSON.parse(await readFile(join(cache, RECORD), 'utf8')) as Resolved
    if (record.hostArch === HOST_ARCH) return record
  } catch {
    // Missing, or not ours to read: resolved afresh.
  }
  return { hostArch: HOST_ARCH, sets: {} }
}

/** What was recorded, and no questions asked. */
export class RecordedIndex implements PackageIndex {
  readonly #record: Promise<Resolved>

  constructor(cache: Cache) {
    this.#record = readRecord(cache.folder)
  }

  async get(name: SetName): Promise<Package[]> {
    const found = (await this.#record).sets[name]
    if (!found) throw notSetUp(`which packages to take for ${name}`)
    return found
  }
}

export interface AskOptions {
  /** Address of the mirror, where it is not the environment's or the host's. */
  mirror?: string | undefined
  progress: Progress
  signal?: AbortSignal | undefined
  /** Ask for what is recorded as well; the record stays until there is an answer. */
  afresh?: boolean | undefined
}

/** Asks the mirror for what is not recorded, and records it. */
export class AskingIndex implements PackageIndex {
  readonly #cache: Cache
  readonly #options: AskOptions
  /** One question after the other; the first one fetches the suites' indices. */
  #turn: Promise<unknown> = Promise.resolve()
  #scratch: Promise<Scratch> | undefined
  readonly #answers = new Map<SetName, Promise<Package[]>>()
  readonly #updated = new Map<string, Promise<PrivateApt>>()
  /** Whether this run asked, so that a package which is gone all the same is gone from the mirror. */
  asked = false

  constructor(cache: Cache, options: AskOptions) {
    this.#cache = cache
    this.#options = options
  }

  /** Removes the suites' indices, 170 MB; the record has what is needed of them. */
  async close(): Promise<void> {
    await (await this.#scratch)?.remove()
    this.#scratch = undefined
    this.#updated.clear()
  }

  async get(name: SetName): Promise<Package[]> {
    const known = this.#answers.get(name) ?? this.#find(name)
    this.#answers.set(name, known)
    return await known
  }

  async #find(name: SetName): Promise<Package[]> {
    const answer = this.#turn.then(async () => {
      const recorded = this.#usable(await readRecord(this.#cache.folder), name)
      return recorded ?? (await this.#ask(name))
    })
    this.#turn = answer.catch(() => {})
    return await answer
  }

  async #ask(name: SetName): Promise<Package[]> {
    const { progress, signal } = this.#options
    const start = performance.now()
    progress({ kind: 'start', step: STEP, label: name })
    const onWait = (holder: string) =>
      progress({
        kind: 'wait',
        step: STEP,
        label: name,
        text: `another guestrig (${holder}) is at it, waiting`,
      })
    const found = await this.#cache.exclusively('packages', { signal, onWait }, async () => {
      const record = await readRecord(this.#cache.folder)
      const recorded = this.#usable(record, name)
      if (recorded) return recorded
      const packages = await this.#resolve(name)
      await this.#record({ ...record, sets: { ...record.sets, [name]: packages } })
      return packages
    })
    progress({ kind: 'end', step: STEP, label: name, ms: performance.now() - start, outcome: 'made' })
    return found
  }

  #usable({ sets }: Resolved, name: SetName): Package[] | undefined {
    return this.#options.afresh ? undefined : sets[name]
  }

  async #resolve(name: SetName): Promise<Package[]> {
    const { signal } = this.#options
    const { suite, names, dependencies, keep = () => true } = packageSet(name)
    const suites = [...new Set([...SUITES, suite])]
    const apt = await this.#apt(suites)
    this.asked = true
    const found = dependencies
      ? await apt.closure(names, suite, signal)
      : await apt.files(names, suite, signal)
    const kept = found.filter(keep)
    if (kept.length === 0) {
      throw new HostProblem(
        `the mirror ${apt.mirror} has no package ${names.join(', ')} in ${suites.join(', ')}`,
        'set GUESTRIG_MIRROR to a complete Debian mirror, then repeat the command',
      )
    }
    return kept.sort((a, b) => (a.name < b.name ? -1 : 1))
  }

  /** An apt with the suites' indices, fetched once a run. */
  async #apt(suites: string[]): Promise<PrivateApt> {
    const { mirror, signal } = this.#options
    const key = suites.join()
    const fetch = async () => {
      this.#scratch ??= this.#cache.scratch('index')
      const { folder } = await this.#scratch
      const apt = new PrivateApt(join(folder, key), await findMirror(mirror), suites)
      await apt.update(signal)
      return apt
    }
    const updated = this.#updated.get(key) ?? fetch()
    this.#updated.set(key, updated)
    return await updated
  }

  async #record(record: Resolved): Promise<void> {
    const file = join(this.#cache.folder, RECORD)
    await writeFile(`${file}.new`, `${JSON.stringify(record, null, 1)}\n`)
    await rename(`${file}.new`, file)
  }
}
