// SPDX-License-Identifier: Apache-2.0
import { existsSync } from 'node:fs'
import { cp, mkdir, readdir, readlink } from 'node:fs/promises'
import { join } from 'node:path'
import type { Inputs } from './cache.ts'
import { CROSS_COMPILE } from './kernel.ts'
import { HostProblem, ToolFailed } from './problem.ts'
import { runTool } from './run.ts'
import { sourceHashes } from './source-hashes.ts'
import type { Recipe } from './store.ts'

const RECIPE = 1

/** Where the drivers are. */
export const DRIVERS = join(import.meta.dirname, '../drivers')

/** A folder of drivers/ that holds a Kbuild. */
export interface DriverSource {
  name: string
  folder: string
  /** File name → hash of its contents. */
  files: Record<string, string>
}

/** What is built, never what a build left behind. */
const SOURCE_FILE = /(\.[chS]|^Kbuild|^Makefile)$/

/** All drivers under a folder, with the hashes of their sources. */
export async function readDrivers(folder: string): Promise<DriverSource[]> {
  const names = existsSync(folder) ? (await readdir(folder)).sort() : []
  const drivers = names.filter((name) => existsSync(join(folder, name, 'Kbuild')))
  return await Promise.all(
    drivers.map(async (name) => ({
      name,
      folder: join(folder, name),
      files: await sourceHashes(join(folder, name), SOURCE_FILE),
    })),
  )
}

/** One driver, built against a kernel's object tree. `kernel` names what else its .ko depends on. */
export function driverRecipe(driver: DriverSource, tree: string, kernel: Inputs): Recipe {
  return {
    kind: `driver-${driver.name}`,
    step: 'drivers',
    label: driver.name,
    space: 10e6,
    quick: true,
    inputs: { recipe: RECIPE, sources: driver.files, kernel },
    build: async (into, { signal }) => {
      const copy = join(into, 'source')
      await copySources(driver, copy)
      try {
        await runTool(await makeModules(tree, copy), { signal })
      } catch (error) {
        throw error instanceof ToolFailed ? compileProblem(driver, copy, error) : error
      }
      if (!existsSync(join(copy, `${driver.name}.ko`))) {
        const made = (await readdir(copy)).filter((name) => name.endsWith('.ko'))
        throw new HostProblem(
          `drivers/${driver.name} makes ${made.join(', ') || 'no module'} and not ${driver.name}.ko`,
          `name the module in drivers/${driver.name}/Kbuild as its folder: obj-m := ${driver.name}.o`,
        )
      }
    },
  }
}

/** Puts a driver's sources into a new folder. */
export async function copySources(driver: DriverSource, copy: string): Promise<void> {
  await mkdir(copy)
  for (const name of Object.keys(driver.files)) {
    await cp(join(driver.folder, name), join(copy, name), { recursive: true })
  }
}

/**
 * The command that builds the modules in a folder against a kernel's object tree.
 * @throws {HostProblem} the kernel's source is not where it was
 */
export async function makeModules(tree: string, folder: string): Promise<[string, ...string[]]> {
  const source = await readlink(join(tree, 'source')).catch(() => tree)
  if (!existsSync(source)) {
    throw new HostProblem(
      `the source of the kernel, ${source}, is gone: no driver can be built`,
      `put it back; or, if it was in guestrig's cache and that was moved, remove ${tree} and type guestrig setup`,
    )
  }
  // An object tree's own Makefile will not do: since 6.13 it names the folder that the kernel was built in, and ours was moved.
  const where = source === tree ? ['-C', tree] : ['-C', source, `O=${tree}`]
  return ['make', ...where, `M=${folder}`, 'ARCH=arm64', `CROSS_COMPILE=${CROSS_COMPILE}`, 'modules']
}

/** Path of the module in a driver's entry. */
export const moduleIn = (entry: string, driver: DriverSource) => join(entry, 'source', `${driver.name}.ko`)

const SHOWN_LINES = 6

function compileProblem(driver: DriverSource, copy: string, failed: ToolFailed): HostProblem {
  const lines = failed.stderr.split('\n')
  const first = lines.findIndex((line) => /error:|\*\*\*|undefined!/.test(line))
  const shown = lines
    .slice(Math.max(first, 0), Math.max(first, 0) + SHOWN_LINES)
    .map((line) => line.replaceAll(`${copy}/`, `drivers/${driver.name}/`))
  return new HostProblem(
    `the driver ${driver.name} does not build:\n${shown.join('\n')}`,
    `mend drivers/${driver.name} and repeat the command`,
    { cause: failed },
  )
}
