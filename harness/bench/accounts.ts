// SPDX-License-Identifier: Apache-2.0
import { mkdir, readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { compiled } from '../../bin/compile.mjs'
import { HostProblem } from '../../images/index.ts'
import { type Account, FOLDER } from './account-format.ts'

/** The environment in which every Node process leaves an account in `folder`, which is made. */
export async function accounting(folder: string): Promise<Record<string, string>> {
  await mkdir(folder, { recursive: true })
  const script = pathToFileURL(join(await compiled(), 'harness/bench/account.js')).href
  const options = [process.env.NODE_OPTIONS, `--import ${script}`]
  return { [FOLDER]: folder, NODE_OPTIONS: options.filter(Boolean).join(' ') }
}

/**
 * What the processes of a run have used together. Their peaks of memory are added up, as if all came at the same moment, and pages that
 * they share are in each: it is no more than that.
 *
 * @throws HostProblem when fewer than `processes` have left an account
 */
export async function readAccounts(folder: string, processes: number): Promise<Account> {
  const files = await readdir(folder)
  if (files.length < processes) {
    throw new HostProblem(
      `only ${files.length} of ${processes} processes have said what they used`,
      'Was one of them killed? The machine may be short of memory.',
    )
  }
  const texts = await Promise.all(files.map((file) => readFile(join(folder, file), 'utf8')))
  const accounts = texts.map((text) => JSON.parse(text) as Account)
  return {
    processorMs: accounts.reduce((sum, { processorMs }) => sum + processorMs, 0),
    peakBytes: accounts.reduce((sum, { peakBytes }) => sum + peakBytes, 0),
  }
}
