// SPDX-License-Identifier: Apache-2.0
import { mkdir } from 'node:fs/promises'
import { assemble, neededSets } from './assemble.ts'
import { Cache, cacheFolder } from './cache.ts'
import { findMirror } from './mirror.ts'
import { readResolved, resolvePackages } from './packages.ts'
import type { Progress } from './progress.ts'
import { BuildingStore, FinishedStore, notSetUp } from './store.ts'
import type { Images, ImagesRequest } from './types.ts'

export { HostProblem } from './problem.ts'
export type { Progress, ProgressEvent } from './progress.ts'
export type { Images, ImagesRequest, Kernel, Qemu, Role, Xen } from './types.ts'

/**
 * Looks only: everything must be in the cache already. Takes a few milliseconds.
 * @throws {HostProblem} something is missing; the remedy is `guestrig setup`
 */
export async function locateImages(request: ImagesRequest = {}): Promise<Images> {
  const cache = new Cache(cacheFolder(request.cache))
  const resolved = await readResolved(cache.folder)
  if (!resolved) throw notSetUp('anything')
  return await assemble(request, resolved, new FinishedStore(cache))
}

/**
 * Fetches and builds what is missing. It can be interrupted at any point, with SIGKILL too, and repeated; several at once
 * share the work.
 */
export async function setupImages(
  request: ImagesRequest & { progress: Progress; signal?: AbortSignal | undefined },
): Promise<Images> {
  const { progress, signal } = request
  const cache = new Cache(cacheFolder(request.cache))
  await mkdir(cache.folder, { recursive: true })
  await cache.sweep()
  const wanted = neededSets(request)
  let resolved = await readResolved(cache.folder)
  if (!resolved || wanted.some((name) => !resolved?.sets[name])) {
    const start = performance.now()
    progress({ kind: 'start', step: 'package index' })
    resolved = await resolvePackages(cache.folder, await findMirror(request.mirror), resolved, wanted, signal)
    progress({ kind: 'end', step: 'package index', ms: performance.now() - start, outcome: 'made' })
  }
  return await assemble(request, resolved, new BuildingStore(cache, progress, signal))
}
