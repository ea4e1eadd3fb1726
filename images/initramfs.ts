// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto'
import { readFile, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { type Member, packCpio } from './cpio.ts'
import { GUEST_PROGRAMS, guestProgramIn } from './guest-programs.ts'
import { baseCpio } from './guest-tools.ts'
import type { Recipe } from './store.ts'
import { ROLES, type Role } from './types.ts'

const RECIPE = 1

export interface InitramfsParts {
  /** Entry of the guest tools. */
  tools: string
  /** Entry of the guest programs. */
  programs: string
  /** Path of the init script. */
  init: string
  /** Driver name → path of its .ko. */
  modules: Record<string, string>
  /** Names of the entries that the modules come from. */
  moduleEntries: readonly string[]
}

/**
 * One initramfs per role. The kernel unpacks archives that follow one another into the same root, so what changes often
 * (init, our programs, drivers) is an archive of its own behind the one with the packages' files.
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
      programs: basename(parts.programs),
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
  const programs = GUEST_PROGRAMS.map(
    async (name): Promise<Member> => ({
      path: `sbin/${name}`,
      kind: 'file',
      executable: true,
      data: await readFile(guestProgramIn(parts.programs, name)),
    }),
  )
  return [
    { path: 'init', kind: 'file', executable: true, data: init },
    ...(await Promise.all(programs)),
    ...(await Promise.all(modules)),
  ]
}
