// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { copySources, DRIVERS, type DriverSource, makeModules, readDrivers } from './drivers.ts'
import { findCommand } from './host-tools.ts'
import { ToolFailed } from './problem.ts'
import { runTool } from './run.ts'

/** What the compiler and sparse say of one driver, built for one kernel. */
export interface DriverCheck {
  driver: string
  /** Whether sparse looked at it: not where it is not installed, or where the kernel wants a newer one. */
  sparse: boolean
  /** Every line that was said; none is how it should be. */
  complaints: string[]
}

/** What scripts/checker-valid.sh of the kernel makes of a sparse that does not know its attributes. */
const SPARSE_TOO_OLD = /C=2 specified, but \S+ is not available or not up to date/

/** Builds every driver against a kernel's object tree, with all that complains: W=1, and sparse if there is one. Leaves nothing behind. */
export async function* checkDrivers(tree: string, folder: string = DRIVERS): AsyncGenerator<DriverCheck> {
  for (const driver of await readDrivers(folder)) yield await checkDriver(driver, tree)
}

async function checkDriver(driver: DriverSource, tree: string): Promise<DriverCheck> {
  const work = await mkdtemp(join(tmpdir(), 'guestrig-driver-'))
  try {
    const copy = join(work, driver.name)
    await copySources(driver, copy)
    const withSparse = findCommand('sparse') !== undefined
    const strict = ['--silent', 'W=1', ...(withSparse ? ['C=2'] : [])]
    const said = await everyLine([...(await makeModules(tree, copy)), ...strict])
    const complaints = said.filter((line) => !SPARSE_TOO_OLD.test(line))
    return {
      driver: driver.name,
      sparse: withSparse && complaints.length === said.length,
      complaints: complaints.map((line) => line.replaceAll(`${copy}/`, `drivers/${driver.name}/`)),
    }
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

/** What a command says on either stream, and its end when that is a failure. */
async function everyLine(argv: string[]): Promise<string[]> {
  try {
    const text = await runTool(['sh', '-c', 'exec "$@" 2>&1', 'sh', ...argv])
    return text.split('\n').filter((line) => line.trim() !== '')
  } catch (error) {
    if (error instanceof ToolFailed) return error.tail.split('\n')
    throw error
  }
}
