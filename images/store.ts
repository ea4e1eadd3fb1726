// SPDX-License-Identifier: Apache-2.0
import { statfs } from 'node:fs/promises'
import { aptFolder, type Package } from './apt.ts'
import { type Cache, entryName, type Inputs } from './cache.ts'
import { download } from './download.ts'
import { diskFull, notSetUp } from './problem.ts'
import type { Amount, Progress, Step } from './progress.ts'

/** How one image is made: pure data, but for the function that does it. */
export interface Recipe {
  kind: string
  step: Step
  /** For which of several, where the step is taken more than once. */
  label?: string
  /** Upstream's version of what is made, where it has one. */
  version?: string
  /** Free space that building it takes, downloads included, bytes. */
  space: number
  /** Made within a second or two and without the network, so that looking for images may make it as well. */
  quick?: boolean
  inputs: Inputs
  /** Packages that it needs; fetched only when it is built, dropped when it is. */
  packages?: readonly Package[]
  build(into: string, work: Work): Promise<void>
}

/** What a recipe is given to work with. */
export interface Work {
  /** Paths of the recipe's packages, in their order. */
  debs: string[]
  advance(amount: Amount, doing?: string): void
  /** What is worth telling of the result, in a few words. */
  tell(detail: string): void
  signal: AbortSignal | undefined
}

/** Gives the folder of a recipe's entry. */
export interface Store {
  obtain(recipe: Recipe): Promise<string>
  /** The entry's folder where it happens to be there. */
  find(recipe: Recipe): string | undefined
}

/** A store that only looks. */
export class FinishedStore implements Store {
  readonly cache: Cache

  constructor(cache: Cache) {
    this.cache = cache
  }

  find({ kind, inputs }: Recipe): string | undefined {
    const name = entryName(kind, inputs)
    return this.cache.has(name) ? this.cache.path(name) : undefined
  }

  async obtain(recipe: Recipe): Promise<string> {
    const found = this.find(recipe)
    if (!found) throw notSetUp(recipe.step)
    return found
  }
}

/** A store that builds what is missing, one process at a time for each entry. */
export class BuildingStore extends FinishedStore {
  readonly progress: Progress
  readonly signal: AbortSignal | undefined

  constructor(cache: Cache, progress: Progress, signal?: AbortSignal) {
    super(cache)
    this.progress = progress
    this.signal = signal
  }

  override async obtain(recipe: Recipe): Promise<string> {
    const { step, label, kind, inputs } = recipe
    const name = entryName(kind, inputs)
    const start = performance.now()
    if (this.cache.has(name)) {
      this.progress({ kind: 'end', step, label, ms: 0, outcome: 'present' })
      return this.cache.path(name)
    }
    this.progress({ kind: 'start', step, label })
    const onWait = (holder: string) =>
      this.progress({ kind: 'wait', step, label, text: `another guestrig (${holder}) is at it, waiting` })
    let detail: string | undefined
    await this.cache.exclusively(name, { signal: this.signal, onWait }, async () => {
      // Somebody else may have built it while we waited.
      if (!this.cache.has(name)) detail = await this.#build(recipe, name)
    })
    this.progress({ kind: 'end', step, label, ms: performance.now() - start, outcome: 'made', detail })
    return this.cache.path(name)
  }

  async #build(recipe: Recipe, name: string): Promise<string | undefined> {
    const { step, label, inputs, packages = [] } = recipe
    await this.#checkSpace(recipe)
    const advance = (amount: Amount, doing?: string) =>
      this.progress({ kind: 'advance', step, label, amount, doing })
    const debs = await download(packages, this.cache.downloads(name), {
      apt: aptFolder(this.cache.folder),
      onProgress: (amount) => advance(amount, 'fetched'),
      signal: this.signal,
    })
    let detail: string | undefined
    await this.cache.make(name, inputs, async (into) => {
      const tell = (text: string) => {
        detail = text
      }
      await recipe.build(into, { debs, advance, tell, signal: this.signal })
    })
    return detail
  }

  /** Says so at once where a build must end with a full disk. */
  async #checkSpace({ step, space }: Recipe): Promise<void> {
    const { bavail, bsize } = await statfs(this.cache.folder)
    const free = bavail * bsize
    if (free >= space) return
    const megabytes = (bytes: number) => `${Math.ceil(bytes / 1e6)} MB`
    throw diskFull(
      undefined,
      `of ${this.cache.folder} (${step} takes ${megabytes(space)}, ${megabytes(free)} are free)`,
    )
  }
}

/** A store that makes only what takes no time. */
export class QuickStore extends BuildingStore {
  override async obtain(recipe: Recipe): Promise<string> {
    const found = this.find(recipe)
    if (found) return found
    if (!recipe.quick) throw notSetUp(recipe.step)
    return await super.obtain(recipe)
  }
}
