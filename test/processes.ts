// SPDX-License-Identifier: Apache-2.0
import { readdir, readFile } from 'node:fs/promises'

/** The living processes whose command line speaks of `text`: `pid command`. From /proc: a bare Debian has no ps. */
export async function processesAbout(text: string): Promise<string[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name))
  const lines = await Promise.all(
    pids.map(async (pid) => {
      // Empty for a process that has ended, and gone for one that ends just now.
      const args = await readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')
      return `${pid} ${args.replaceAll('\0', ' ').trim()}`
    }),
  )
  return lines.filter((line) => line.includes(text))
}
