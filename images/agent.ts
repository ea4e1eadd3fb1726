// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { CROSS_COMPILE } from './kernel.ts'
import { HostProblem, ToolFailed } from './problem.ts'
import { runTool } from './run.ts'
import type { Recipe } from './store.ts'

const RECIPE = 1
const FLAGS = ['-static', '-O2', '-Wall', '-Wextra', '-Werror']

/** The program that runs commands in a domain, compiled from images/guest/agent.c. */
export async function agentRecipe(source: string, compiler: string): Promise<Recipe> {
  const text = await readFile(source)
  return {
    kind: 'agent',
    step: 'guest agent',
    space: 5e6,
    quick: true,
    inputs: {
      recipe: RECIPE,
      flags: FLAGS,
      compiler,
      source: createHash('sha256').update(text).digest('hex'),
    },
    build: async (into, { signal }) => {
      try {
        await runTool([`${CROSS_COMPILE}gcc`, ...FLAGS, '-o', agentIn(into), source], { signal })
        await runTool([`${CROSS_COMPILE}strip`, agentIn(into)], { signal })
      } catch (error) {
        if (!(error instanceof ToolFailed)) throw error
        throw new HostProblem(
          `the guest agent does not build:\n${error.tail}`,
          'mend images/guest/agent.c and repeat the command',
          { cause: error },
        )
      }
    },
  }
}

export const agentIn = (entry: string) => join(entry, 'guestrig-agent')
