// SPDX-License-Identifier: Apache-2.0
import { HostProblem } from './problem.ts'
import type { Progress } from './progress.ts'
import type { Images, ImagesRequest } from './types.ts'

export { HostProblem } from './problem.ts'
export type { Progress, ProgressEvent } from './progress.ts'
export type { Images, ImagesRequest, Kernel, Qemu, Role, Xen } from './types.ts'

/** Looks only: everything must be in the cache already. */
export async function locateImages(_request: ImagesRequest = {}): Promise<Images> {
  throw new HostProblem('the images are not there', 'guestrig setup')
}

/** Fetches and builds what is missing. */
export async function setupImages(
  request: ImagesRequest & { progress: Progress; signal?: AbortSignal | undefined },
): Promise<Images> {
  return await locateImages(request)
}
