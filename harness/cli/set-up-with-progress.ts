// SPDX-License-Identifier: Apache-2.0
import {
  HostProblem,
  type Images,
  type ImagesRequest,
  locateImages,
  missingTools,
  setupImages,
  warningsAbout,
} from '../../images/index.ts'

export interface SetUp {
  images: Images
  /** How many steps took work; 0 when everything was there. */
  made: number
}

/**
 * Sees that the images of a request are there, and gives them. When they are, it takes milliseconds and prints nothing;
 * otherwise it sets them up and shows on standard error how far it is. Ctrl-C ends it.
 */
export async function setUpWithProgress(request: ImagesRequest = {}): Promise<Images> {
  const { images } = await setUpAll(request)
  for (const warning of warningsAbout(images)) process.stderr.write(`warning: ${warning}\n`)
  return images
}

async function locate(request: ImagesRequest): Promise<Images | undefined> {
  if (missingTools().length > 0) return undefined
  try {
    return await locateImages(request)
  } catch (error) {
    if (error instanceof HostProblem) return undefined
    throw error
  }
}

/** As above, and says what there was to do; `update` asks the mirror for newer packages first. */
export async function setUpAll(request: ImagesRequest & { update?: boolean | undefined }): Promise<SetUp> {
  const there = request.update ? undefined : await locate(request)
  if (there) return { images: there, made: 0 }
  const { SetupDisplay } = await import('./setup-display.ts')
  const display = new SetupDisplay(process.stderr)
  const stop = new AbortController()
  const interrupt = () => stop.abort()
  const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const
  for (const signal of signals) process.on(signal, interrupt)
  try {
    const images = await setupImages({ ...request, progress: display.show, signal: stop.signal })
    return { images, made: display.made }
  } finally {
    for (const signal of signals) process.off(signal, interrupt)
    display.close()
  }
}
