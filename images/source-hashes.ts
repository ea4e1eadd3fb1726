// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

/** Path in the folder → hash of the contents, for every file under it whose path `wanted` matches; in the order of the paths. */
export async function sourceHashes(folder: string, wanted: RegExp): Promise<Record<string, string>> {
  const names = (await readdir(folder, { recursive: true })).filter((name) => wanted.test(name)).sort()
  const hashes = await Promise.all(
    names.map(async (name) => [
      name,
      createHash('sha256')
        .update(await readFile(join(folder, name)))
        .digest('hex'),
    ]),
  )
  return Object.fromEntries(hashes)
}
