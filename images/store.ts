// SPDX-License-Identifier: Apache-2.0
import type { Package } from './apt.ts'
import { type Cache, entryName, type Inputs } from './cache.ts'
import { download } from './download.ts'
import { aptFolder } from './packages.ts'
import { HostProblem } from './problem.ts'
import type { Amount, Progress, Step } from './progress.ts'

/** How one image is made: pure data, but for the function that does it. */
export interface Recipe {
  kind: string
  step: Step
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

export function notSetUp(what: string): HostProblem {
  return new HostProblem(`not set up yet: ${what}`, 'guestrig setup')
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
    const { step, kind, inputs } = recipe
    const name = entryName(kind, inputs)
    const start = performance.now()
    if (this.cache.has(name)) {
      this.progress({ kind: 'end', step, ms: 0, outcome: 'present' })
      return this.cache.path(name)
    }
    this.progress({ kind: 'start', step })
    const onWait = (holder: string) => this.progress({ kind: 'wait', step, text: `waiting for ${holder}` })
    await this.cache.exclusively(name, { signal: this.signal, onWait }, async () => {
      // Somebody else may have built it while we waited.
      if (!this.cache.has(name)) await this.#build(recipe, name)
    })
    this.progress({ kind: 'end', step, ms: performance.now() - start, outcome: 'made' })
    return this.cache.path(name)
  }

  async #build(recipe: Recipe, name: string): Promise<void> {
    const { step, inputs, packages = [] } = recipe
    const advance = (amount: Amount, doing?: string) => this.progress({ kind: 'advance', step, amount, doing })
    const debs = await download(packages, this.cache.downloads(name), {
      apt: aptFolder(this.cache.folder),
      onProgress: (amount) => advance(amount, 'fetching'),
      signal: this.signal,
    })
    await this.cache.make(name, inputs, (into) => recipe.build(into, { debs, advance, signal: this.signal }))
  }
}
