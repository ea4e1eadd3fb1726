// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { agentIn } from './agent.ts'
import { type Member, packCpio } from './cpio.ts'
import { baseCpio } from './guest-tools.ts'
import type { Recipe } from './store.ts'
import { ROLES, type Role } from './types.ts'

const RECIPE = 1

export interface InitramfsParts {
  /** Entry of the guest tools. */
  tools: string
  /** Entry of the agent. */
  agent: string
  /** Path of the init script. */
  init: string
  /** Driver name → path of its .ko. */
  modules: Record<string, string>
  /** Names of the entries that the modules come from. */
  moduleEntries: readonly string[]
}

/**
 * One initramfs per role. The kernel unpacks archives that follow one another into the same root, so what changes often
 * (init, agent, drivers) is an archive of its own behind the one with the packages' files.
 */
export async function initramfsRecipe(parts: InitramfsParts): Promise<Recipe> {
  const init = await readFile(parts.init)
  return {
    kind: 'initramfs',
    step: 'initramfs',
    space: 30e6,
    quick: true,
    inputs: {
      recipe: RECIPE,
      tools: basename(parts.tools),
      agent: basename(parts.agent),
      init: createHash('sha256').update(init).digest('hex'),
      modules: parts.moduleEntries,
    },
    build: async (into) => {
      const own = await ownMembers(parts, init)
      for (const role of ROLES) {
        const etc: Member = { path: 'etc/guestrig/role', kind: 'file', data: Buffer.from(`${role}\n`) }
        const tools = await readFile(baseCpio(parts.tools, role))
        await writeFile(initramfsIn(into, role), Buffer.concat([tools, packCpio([...own, etc])]))
      }
    },
  }
}

export const initramfsIn = (entry: string, role: Role) => join(entry, `${role}.cpio`)

async function ownMembers(parts: InitramfsParts, init: Buffer): Promise<Member[]> {
  const modules = Object.entries(parts.modules).map(
    async ([name, path]): Promise<Member> => ({
      path: `lib/modules/guestrig/${name}.ko`,
      kind: 'file',
      data: await readFile(path),
    }),
  )
  return [
    { path: 'init', kind: 'file', executable: true, data: init },
    {
      path: 'sbin/guestrig-agent',
      kind: 'file',
      executable: true,
      data: await readFile(agentIn(parts.agent)),
    },
    ...(await Promise.all(modules)),
  ]
}
