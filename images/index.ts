// SPDX-License-Identifier: Apache-2.0
import { mkdir } from 'node:fs/promises'
import { basename, dirname } from 'node:path'
import { assemble } from './assemble.ts'
import { Cache, cacheFolder } from './cache.ts'
import { checkHostTools } from './host-tools.ts'
import { parseKernelSpec } from './kernel-spec.ts'
import { AskingIndex, RecordedIndex } from './package-index.ts'
import { XEN_VERSION } from './packages.ts'
import { asHostProblem, Interrupted, PackageGone } from './problem.ts'
import type { Progress } from './progress.ts'
import { BuildingStore, FinishedStore, QuickStore } from './store.ts'
import type { Images, ImagesRequest } from './types.ts'
import { needsYield } from './xen.ts'

export { cacheFolder } from './cache.ts'
export { checkDrivers, type DriverCheck } from './check-drivers.ts'
export { installCommand, missingTools } from './host-tools.ts'
export { type Finding, type Inspection, inspectImages } from './inspect.ts'
export { lacking } from './kernel-needs.ts'
export { HostProblem, Interrupted } from './problem.ts'
export { type Progress, type ProgressEvent, STEPS } from './progress.ts'
export { withSourceLines } from './source-lines.ts'
export { Symbols } from './symbols.ts'
export type { Images, ImagesRequest, Kernel, Qemu, Role, Xen } from './types.ts'

/**
 * Looks only: everything must be in the cache already. Takes a few milliseconds. For a kernel or a hypervisor given as a
 * path, the drivers and the initramfs for it are made if need be, which takes a second or two.
 * @throws {HostProblem} something is missing; the remedy is `guestrig setup`
 */
export async function locateImages(request: ImagesRequest = {}): Promise<Images> {
  const cache = new Cache(cacheFolder(request.cache))
  const own = parseKernelSpec(request.kernel).kind === 'path' || (request.xen ?? XEN_VERSION) !== XEN_VERSION
  const store = own ? new QuickStore(cache, () => {}) : new FinishedStore(cache)
  try {
    return await assemble(request, new RecordedIndex(cache), store)
  } catch (error) {
    throw asHostProblem(error, cache.folder)
  }
}

export interface SetupRequest extends ImagesRequest {
  progress: Progress
  signal?: AbortSignal | undefined
  /** Ask the mirror again which packages there are, instead of keeping to what was recorded. */
  update?: boolean | undefined
}

/**
 * Fetches and builds what is missing. It can be interrupted at any point, with SIGKILL too, and repeated; several at once
 * share the work.
 * @throws {HostProblem} the host, the network or the request stands in the way
 * @throws {Interrupted} the signal was aborted
 */
export async function setupImages(request: SetupRequest): Promise<Images> {
  const cache = new Cache(cacheFolder(request.cache))
  try {
    await mkdir(cache.folder, { recursive: true })
    await checkHostTools(request)
    await cache.sweep()
    return await setUp(request, cache)
  } catch (error) {
    if (request.signal?.aborted) throw new Interrupted()
    throw asHostProblem(error, cache.folder)
  }
}

async function setUp(request: SetupRequest, cache: Cache): Promise<Images> {
  const { progress, mirror, update: afresh } = request
  const stop = new AbortController()
  const signal = request.signal ? AbortSignal.any([request.signal, stop.signal]) : stop.signal
  const index = new AskingIndex(cache, { mirror, progress, signal, afresh })
  try {
    const images = await assemble(request, index, new BuildingStore(cache, progress, signal), () =>
      stop.abort(),
    )
    await cache.prune(
      /^(initramfs|driver-.*|guest-programs|fork-server|xen-path)-/,
      new Set(entriesOf(images)),
    )
    return images
  } catch (error) {
    // What was recorded in an earlier run has left the mirror since: ask what there is now.
    if (!(error instanceof PackageGone) || index.asked) throw error
    return await setUp({ ...request, update: true }, cache)
  } finally {
    await index.close()
  }
}

/** Names of the cache's entries that the images lie in. */
function entriesOf({ qemu, xen, initramfs, kernel }: Images): string[] {
  const files = [qemu.forkServer, xen.image, initramfs.bare, ...Object.values(kernel.modules).map(dirname)]
  return files.map((file) => basename(dirname(file)))
}

/** What a person should know of the images that they asked for, before a scenario fails for it. */
export function warningsAbout({ kernel, xen, qemu }: Images): string[] {
  const warnings: string[] = []
  if (!kernel.buildTree) {
    warnings.push(
      `there is no build tree around ${kernel.image}: the drivers of drivers/ cannot be built for it`,
    )
  }
  if (xen.wfeReplaced === 0 && needsYield(qemu.version)) {
    warnings.push(`no WFE was found in ${xen.image}: under QEMU ${qemu.version} its spinlocks may hang`)
  }
  return warnings
}
