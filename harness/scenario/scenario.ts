// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path'
import { type TestContext, test } from '@vitest/runner'
import { type Images, lacking, locateImages } from '../../images/index.ts'
import {
  type Board,
  type BoardOptions,
  bootBoard,
  devicesIn,
  obtainBoard,
  type PlatformName,
  within,
} from '../platform/index.ts'
import { withCrashLines } from './crash-lines.ts'
import { allGone, leave } from './leaving.ts'
import { endWithParent } from './orphan.ts'
import { type Measurement, messageOf, type Outcome, signatureOf, verdictOf } from './outcome.ts'
import { type Declared, declare, type Surroundings, titleOf } from './registry.ts'
import { currentRequest } from './run-request.ts'

declare module '@vitest/runner' {
  interface TaskMeta {
    guestrig?: Outcome
    /** Why a scenario is not for this kernel. */
    unfit?: string
  }
}

/** A driver of `drivers/`, loaded into the domain under test before the scenario begins. */
export type DriverToLoad = string | { name: string; parameters: Record<string, string> }

/** What a scenario has on its board, and whatever else its script wants to have at hand, by name. */
export type NamedDevices = Record<string, unknown>

export interface ScenarioOptions<Devices extends NamedDevices = NamedDevices> {
  /** One, or several: then the scenario runs on each. */
  platform: PlatformName | PlatformName[]
  /** For `guestrig list` and for choosing. */
  tags?: string[]
  drivers?: DriverToLoad[]
  /**
   * What is on the board from the start, made anew for each run: all devices in it, but for functions that are behind a root complex in it.
   * The script gets it under the same names.
   */
  devices?: (platform: PlatformName) => Devices
  /** The board, if it is to be another than the platform's usual one. */
  board?: BoardOptions | ((platform: PlatformName) => BoardOptions)
  /** What the kernel must have been built with (`CONFIG_KASAN`, …): with another the scenario is skipped, and says why. */
  kernel?: { needs: string[] }
  /** ms for the whole scenario, stretched by the board's speed; default 60 000. */
  timeout?: number
}

export interface ScenarioContext<Devices extends NamedDevices = NamedDevices> {
  board: Board
  devices: Devices
  platform: PlatformName
  /** Reports a time beside the verdict. */
  measured: (what: string, ms: number) => void
}

type Body<Devices extends NamedDevices> = (context: ScenarioContext<Devices>) => Promise<void>

const TIMEOUT = 60_000

endWithParent()

let usual: Promise<Images> | undefined

/** Looked for once: it takes a tenth of a restore. */
function usualImages(): Promise<Images> {
  usual ??= locateImages()
  return usual
}

/** A script with a name, a platform and assertions: run in a test of its own, on a board of its own. */
// biome-ignore lint/complexity/noBannedTypes: no devices are an empty record
export function scenario<Devices extends NamedDevices = {}>(
  name: string,
  options: ScenarioOptions<Devices>,
  body: Body<Devices>,
): void {
  const slip = options.kernel?.needs.find((symbol) => !/^CONFIG_\w+$/.test(symbol))
  if (slip) throw new RangeError(`'${name}' needs ${slip}: a kernel's symbol is spelt CONFIG_…`)
  for (const platform of [options.platform].flat()) {
    const run: Declared['run'] = (context, surroundings) =>
      perform(context, surroundings, name, platform, options, body)
    const declared: Declared = { name, platform, tags: options.tags ?? [], run }
    if (currentRequest().pooled) declare(declared)
    else declareTest(declared, { crowded: false })
  }
}

/** Makes a scenario a test of the runner that is loading files. */
export function declareTest(declared: Declared, surroundings: Surroundings): void {
  test(titleOf(declared), { timeout: 0 }, (context) => declared.run(context, surroundings))
}

async function perform<Devices extends NamedDevices>(
  { task, skip }: TestContext,
  { crowded, images: given }: Surroundings,
  name: string,
  platform: PlatformName,
  options: ScenarioOptions<Devices>,
  body: Body<Devices>,
): Promise<void> {
  const request = currentRequest()
  const attempts = (task.meta.guestrig?.attempts ?? 0) + 1
  const dir = join(request.dir, folderName(name, platform, attempts))
  const startedAt = performance.now()
  const failuresBefore = task.result?.errors?.length ?? 0
  let board: Board | undefined
  let images: Images | undefined
  let unfit: string | undefined
  const measurements: Measurement[] = []
  const settle = (verdict: Outcome['verdict'], error?: unknown) => {
    task.meta.guestrig = {
      platform,
      verdict,
      durationMs: performance.now() - startedAt,
      bootMs: board?.bootMs,
      restored: board?.restored ?? false,
      attempts,
      signature: verdict === 'pass' ? '' : signatureOf(verdict, error),
      message: verdict === 'pass' ? '' : messageOf(error),
      measurements,
      dir,
    }
  }
  try {
    images = given ?? (await usualImages())
    unfit = await lacking(images.kernel, options.kernel?.needs ?? [])
    if (unfit) {
      task.meta.unfit = unfit
      return skip(unfit)
    }
    const boardOptions = typeof options.board === 'function' ? options.board(platform) : (options.board ?? {})
    const named = options.devices?.(platform) ?? ({} as Devices)
    const devices = [...(boardOptions.devices ?? []), ...devicesIn(named)]
    board = await (request.cold ? bootBoard : obtainBoard)(platform, {
      ...boardOptions,
      devices,
      images,
      dir,
      crowded,
    })
    const measured = (what: string, ms: number) => measurements.push({ what, ms })
    await play({ board, platform, devices: named, measured }, options, body)
    throwSoftFailures(task, failuresBefore)
    settle('pass')
  } catch (thrown) {
    const error = await withCrashLines(thrown, images?.kernel)
    if (!unfit) settle(verdictOf(error), error)
    throw error
  } finally {
    if (board) await leave(board)
    if (!request.pooled) await allGone()
  }
}

/** What `expect.soft` found wrong does not throw: Vitest keeps it with the test, behind that of attempts before. */
function throwSoftFailures({ result }: TestContext['task'], before: number): void {
  const messages = (result?.errors ?? []).slice(before).map(({ message }) => message)
  if (messages.length === 0) return
  throw Object.assign(new Error(messages.join('\n')), { name: 'AssertionError' })
}

/** The drivers, then the body; a failure of the board that nobody waited for counts as well. */
async function play<Devices extends NamedDevices>(
  context: ScenarioContext<Devices>,
  options: ScenarioOptions<Devices>,
  body: Body<Devices>,
): Promise<void> {
  const { board } = context
  const ms = board.patience.scale(options.timeout ?? TIMEOUT)
  const everything = async () => {
    for (const driver of options.drivers ?? []) {
      const { name, parameters } = typeof driver === 'string' ? { name: driver, parameters: {} } : driver
      await board.domain().loadDriver(name, parameters)
    }
    await body(context)
    await board.settle()
    board.failed.throwIfAborted()
  }
  await within(ms, everything, {
    interruption: board.failed,
    explain: () => `the scenario was not over after ${ms} ms`,
  })
}

function folderName(name: string, platform: PlatformName, attempts: number): string {
  const words = name
    .toLowerCase()
    .replace(/[^a-z0-9]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 60)
  return `${words}.${platform}${attempts > 1 ? `.${attempts}` : ''}`
}
