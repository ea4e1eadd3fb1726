// SPDX-License-Identifier: Apache-2.0
import { join } from 'node:path'
import { CROSS_COMPILE } from './kernel.ts'
import { HostProblem, ToolFailed } from './problem.ts'
import { runTool } from './run.ts'
import { sourceHashes } from './source-hashes.ts'
import type { Recipe } from './store.ts'

const RECIPE = 1
const FLAGS = ['-static', '-O2', '-Wall', '-Wextra', '-Werror']

/** The programs of our own in every initramfs, and the files of images/guest/ that each is compiled from. */
const PROGRAMS: Record<string, readonly string[]> = {
  'guestrig-agent': ['agent.c'],
  'guestrig-pci': ['pci.c', 'pci-function.c', 'pci-fuzz.c', 'pci-endpoint-test.c'],
}

export const GUEST_PROGRAMS: readonly string[] = Object.keys(PROGRAMS)

/** All of them, compiled from the C files of `folder`. */
export async function guestProgramsRecipe(folder: string, compiler: string): Promise<Recipe> {
  return {
    kind: 'guest-programs',
    step: 'guest programs',
    space: 10e6,
    quick: true,
    inputs: {
      recipe: RECIPE,
      programs: PROGRAMS,
      flags: FLAGS,
      compiler,
      sources: await sourceHashes(folder, /\.[ch]$/),
    },
    build: async (into, { signal }) => {
      for (const [name, sources] of Object.entries(PROGRAMS)) {
        const program = guestProgramIn(into, name)
        const files = sources.map((file) => join(folder, file))
        try {
          await runTool([`${CROSS_COMPILE}gcc`, ...FLAGS, '-o', program, ...files], { signal })
          await runTool([`${CROSS_COMPILE}strip`, program], { signal })
        } catch (error) {
          if (!(error instanceof ToolFailed)) throw error
          throw new HostProblem(
            `the guest program ${name} does not build:\n${error.tail}`,
            `mend images/guest/${sources.join(', ')} and repeat the command`,
            { cause: error },
          )
        }
      }
    },
  }
}

export const guestProgramIn = (entry: string, name: string) => join(entry, name)
