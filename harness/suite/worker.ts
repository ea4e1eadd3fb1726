// SPDX-License-Identifier: Apache-2.0
/**
 * A process that runs scenarios one after the other, each as a test of `@vitest/runner`: what Vitest's `expect` knows of its test, `soft`
 * and the like, is true here as well. Vitest itself would take longer to start than a board to be restored.
 */
import { pathToFileURL } from 'node:url'
import { type File, startTests, type VitestRunner } from '@vitest/runner'
import { nameSources } from '../../bin/stacks.mjs'
import { endForkServers } from '../board/index.ts'
import { allGone, declareTest, setRequest, takeDeclared } from '../scenario/index.ts'
import type { Job, Order, Report } from './messages.ts'

/** ms between two signs of life. */
const SIGN_OF_LIFE = 5000

/** By script. A module is evaluated once, however many of its scenarios are run. */
const declarations = new Map<string, ReturnType<typeof takeDeclared>>()

async function declaredIn(script: string): Promise<ReturnType<typeof takeDeclared>> {
  const known = declarations.get(script)
  if (known) return known
  await import(pathToFileURL(script).href)
  const declared = takeDeclared()
  declarations.set(script, declared)
  return declared
}

/** What `@vitest/runner` must know; no more than one test is ever there. */
const settings = ({ retries }: Job): VitestRunner['config'] => ({
  ...{ root: process.cwd(), name: undefined, setupFiles: [], passWithNoTests: true, allowOnly: true },
  ...{ testNamePattern: undefined, tags: [], tagsFilter: undefined, strictTags: false },
  ...{ sequence: { seed: 0, hooks: 'stack', setupFiles: 'list' }, maxConcurrency: 1 },
  ...{ chaiConfig: undefined, includeTaskLocation: false },
  // Scenarios have deadlines of their own.
  ...{ testTimeout: 0, hookTimeout: 60_000, retry: retries },
})

async function run(job: Job): Promise<Report> {
  const { script, run, request } = job
  setRequest(request)
  const declared = (await declaredIn(script))[run.index]
  if (declared?.name !== run.name) {
    return { failed: `${run.file} does not declare the same scenarios each time it is loaded` }
  }
  const runner: VitestRunner = {
    config: settings(job),
    importFile: () => declareTest(declared, job),
  }
  const [file] = await startTests([run.file], runner)
  return reportOf(file)
}

function reportOf(file: File | undefined): Report {
  const [test] = file?.tasks ?? []
  if (test?.meta.guestrig) return { outcome: test.meta.guestrig }
  if (test?.meta.unfit) return { skipped: test.meta.unfit }
  const errors = [...(file?.result?.errors ?? []), ...(test?.result?.errors ?? [])]
  return { failed: errors.map(({ stack, message }) => stack ?? message).join('\n') || 'it did not run' }
}

const say = (report: Report) => process.send?.(report)
const failed = (error: unknown): Report => ({
  failed: error instanceof Error ? (error.stack ?? error.message) : String(error),
})

/** Goes when the last board is gone, and what they came from. */
function go(): void {
  allGone()
    .then(endForkServers)
    .then(
      () => process.exit(0),
      (error: unknown) => {
        process.stderr.write(`a board could not be stopped: ${error}\n`)
        process.exit(1)
      },
    )
}

nameSources()
// A script's own line may be far below the assertions that it calls.
Error.stackTraceLimit = 50
setInterval(() => say({ alive: true }), SIGN_OF_LIFE).unref()
process.on('message', (order: Order) => {
  if (order === 'go') go()
  else run(order).then(say, (error: unknown) => say(failed(error)))
})
// What nobody awaited may have failed in any scenario since: nothing more is run by this process.
process.on('uncaughtException', (error) =>
  process.send?.({ ...failed(error), leaving: true }, () => process.exit(1)),
)
