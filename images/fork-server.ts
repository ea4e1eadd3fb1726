// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path'
import { HostProblem, ToolFailed } from './problem.ts'
import { runTool } from './run.ts'
import { sourceHashes } from './source-hashes.ts'
import type { Recipe } from './store.ts'

const RECIPE = 1
const SOURCE = 'fork-server.c'
const FLAGS = ['-shared', '-fPIC', '-O2', '-Wall', '-Wextra', '-Werror']

/** The host's own compiler: the library is loaded into QEMU. */
export const HOST_COMPILER = 'gcc'

/** The library with which QEMU is loaded once for many boards, compiled from the C file of `folder` for this host. */
export async function forkServerRecipe(folder: string, compiler: string): Promise<Recipe> {
  return {
    kind: 'fork-server',
    step: 'fork server',
    space: 1e6,
    quick: true,
    inputs: {
      recipe: RECIPE,
      hostArch: process.arch,
      flags: FLAGS,
      compiler,
      sources: await sourceHashes(folder, /\.[ch]$/),
    },
    build: async (into, { signal }) => {
      try {
        const output = forkServerIn(into)
        await runTool([HOST_COMPILER, ...FLAGS, '-o', output, join(folder, SOURCE)], { signal })
      } catch (error) {
        if (!(error instanceof ToolFailed)) throw error
        throw new HostProblem(
          `QEMU's fork server does not build:\n${error.tail}`,
          `mend images/host/${SOURCE} and repeat the command`,
          { cause: error },
        )
      }
    },
  }
}

export const forkServerIn = (entry: string) => join(entry, 'fork-server.so')
