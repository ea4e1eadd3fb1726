// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { assemble } from './assemble.ts'
import { Cache, cacheFolder, entryName } from './cache.ts'
import { HOST_TOOLS, missingTools } from './host-tools.ts'
import { RecordedIndex } from './package-index.ts'
import { HostProblem } from './problem.ts'
import { STEPS, type Step } from './progress.ts'
import { runTool } from './run.ts'
import { FinishedStore, type Recipe } from './store.ts'
import type { Images, ImagesRequest } from './types.ts'

/** What is there of one step. */
export interface Finding {
  step: Step
  /** For which of several. */
  label?: string | undefined
  /** stale: there is one, but made from other inputs (another source, compiler or package). */
  state: 'ok' | 'missing' | 'stale'
  /** What is there, or what a set-up would bring. */
  version?: string | undefined
  /** Bytes on disk. */
  size?: number | undefined
  /** More than "missing" says. */
  detail?: string | undefined
}

export interface Inspection {
  cache: string
  findings: Finding[]
  /** When everything is there. */
  images?: Images
  /** Bytes that entries take which this request does not use: other kernels, older versions. */
  others: number
  /** Bytes of the boards' snapshots, which lie in the same folder. */
  snapshots: number
}

/** Writes down what it is asked for. */
class InspectingStore extends FinishedStore {
  readonly seen: { recipe: Recipe; name: string; there: boolean }[] = []

  override async obtain(recipe: Recipe): Promise<string> {
    const name = entryName(recipe.kind, recipe.inputs)
    this.seen.push({ recipe, name, there: this.cache.has(name) })
    return await super.obtain(recipe)
  }
}

/** The steps whose results stay, in the order of a set-up; the kernel's source is needed only to build one. */
const KEPT = STEPS.filter(
  (step) => step !== 'host tools' && step !== 'package index' && step !== 'kernel source',
)

/** Folder of the boards' snapshots (`harness/platform/snapshot.ts`) in the cache. */
const SNAPSHOTS = 'snapshots'

/** Looks at everything that a request needs, and changes nothing. */
export async function inspectImages(request: ImagesRequest = {}): Promise<Inspection> {
  const cache = new Cache(cacheFolder(request.cache))
  const store = new InspectingStore(cache)
  const index = new RecordedIndex(cache)
  let problem: HostProblem | undefined
  const images = await assemble(request, index, store).catch((error: unknown) => {
    if (!(error instanceof HostProblem)) throw error
    problem = error
    return undefined
  })
  const entries = existsSync(cache.folder) ? await readdir(cache.folder) : []
  const sizes = await sizesOf(cache, entries)
  const findings: Finding[] = [toolFinding()]
  for (const { recipe, name, there } of store.seen) {
    const older = entries.some((entry) => entry !== name && isOfKind(entry, recipe.kind))
    findings.push({
      step: recipe.step,
      label: recipe.label,
      version: recipe.version,
      state: there ? 'ok' : older ? 'stale' : 'missing',
      size: there ? sizes.get(name) : undefined,
    })
  }
  for (const step of KEPT) {
    if (findings.some((finding) => finding.step === step)) continue
    // A kernel of one's own takes neither of its steps.
    if (images && step.startsWith('kernel')) continue
    const detail = problem && problem.remedy !== 'guestrig setup' ? problem.message : undefined
    findings.push({ step, state: 'missing', detail })
  }
  const used = new Set(store.seen.map(({ name }) => name))
  const others = [...sizes]
    .filter(([name]) => !used.has(name) && name !== SNAPSHOTS)
    .reduce((sum, [, size]) => sum + size, 0)
  findings.sort((a, b) => STEPS.indexOf(a.step) - STEPS.indexOf(b.step))
  return {
    cache: cache.folder,
    findings,
    ...(images && { images }),
    others,
    snapshots: sizes.get(SNAPSHOTS) ?? 0,
  }
}

/** Whether a whole entry is of a kind: its name is the kind and a hash. */
function isOfKind(entry: string, kind: string): boolean {
  return entry.startsWith(`${kind}-`) && /^[0-9a-f]{16}$/.test(entry.slice(kind.length + 1))
}

function toolFinding(): Finding {
  const missing = missingTools()
  const names = missing.map(({ name }) => name).join(', ')
  return {
    step: 'host tools',
    state: missing.length > 0 ? 'missing' : 'ok',
    detail: missing.length > 0 ? names : `all ${HOST_TOOLS.length}`,
  }
}

/** Bytes on disk of each entry. */
async function sizesOf(cache: Cache, entries: readonly string[]): Promise<Map<string, number>> {
  if (entries.length === 0) return new Map()
  const out = await runTool(['du', '-s', '-B1', '--', ...entries.map((entry) => cache.path(entry))]).catch(
    () => '',
  )
  return new Map(
    [...out.matchAll(/^(\d+)\t.*\/([^/\n]+)$/gm)].map(([, size = '', name = '']) => [name, Number(size)]),
  )
}
