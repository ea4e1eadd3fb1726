// SPDX-License-Identifier: Apache-2.0
import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { dirname } from 'node:path'
import { HostProblem } from '../../images/index.ts'

/**
 * Makes a folder and those above it. Not by mkdir's own `recursive`, which goes round in a circle for ever where nothing can be made
 * (in /proc, with Node 20).
 *
 * @throws HostProblem that names the folder.
 */
export async function makeFolder(dir: string): Promise<void> {
  try {
    await makeAncestors(dir)
  } catch (error) {
    throw new HostProblem(
      `the folder ${dir} cannot be made: ${(error as Error).message}`,
      'Name another one.',
    )
  }
}

async function makeAncestors(dir: string): Promise<void> {
  const failed = await mkdir(dir).catch((error: NodeJS.ErrnoException) => error)
  if (!failed || failed.code === 'EEXIST') return
  if (failed.code !== 'ENOENT' || dirname(dir) === dir) throw failed
  await makeAncestors(dirname(dir))
  await mkdir(dir)
}

/**
 * Writes a file so that it is there whole or not at all, and its folder if need be.
 *
 * @throws HostProblem that names the file.
 */
export async function writeWhole(file: string, text: string): Promise<void> {
  await makeFolder(dirname(file))
  const part = `${file}.${process.pid}.part`
  try {
    await writeFile(part, text)
    await rename(part, file)
  } catch (error) {
    await rm(part, { force: true })
    throw new HostProblem(
      `${file} cannot be written: ${(error as Error).message}`,
      'Is there room on the disk, and may you write there?',
    )
  }
}
