// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { open, readFile, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { releaseOf } from './kernel.ts'
import { HostProblem } from './problem.ts'
import type { Kernel } from './types.ts'

const DEFAULT_KERNEL = '6.12'

export type KernelSpec =
  | { kind: 'version'; version: string; extras: string[]; label: string }
  | { kind: 'path'; path: string }

/** A version, a version with fragments ("6.12+no-of-dynamic"), or else a path. */
export function parseKernelSpec(spec: string = DEFAULT_KERNEL): KernelSpec {
  const [, version, extras = ''] = /^(\d+\.\d+)((?:\+[\w-]+)*)$/.exec(spec) ?? []
  if (version === undefined) return { kind: 'path', path: resolve(spec) }
  return { kind: 'version', version, extras: extras.split('+').filter(Boolean), label: spec }
}

/** Header of an arm64 Image (linux/Documentation/arch/arm64/booting.rst): the magic number, at this byte. */
const MAGIC = { at: 56, text: 'ARM\x64' }

/** Where an Image lies in its build tree. */
const IN_TREE = 'arch/arm64/boot/Image'

/**
 * A kernel that somebody built.
 * @throws {HostProblem} there is none, or it is not an arm64 Image
 */
export async function kernelFromPath(path: string): Promise<Kernel> {
  const remedy =
    'give the path of an uncompressed arm64 Image (arch/arm64/boot/Image), or a version such as 6.12'
  const found = await stat(path).catch((error: unknown) => {
    throw new HostProblem(`there is no kernel image ${path}`, remedy, { cause: error })
  })
  if (!found.isFile() || (await readMagic(path)) !== MAGIC.text) {
    throw new HostProblem(`${path} is not an arm64 kernel Image`, remedy)
  }
  const tree = treeAround(path)
  const config = tree && ['.config', 'Module.symvers'].map((name) => join(tree, name))
  const identity = createHash('sha256')
  // The size and time of a big file, as make does it; what modules depend on is read.
  identity.update(`${path} ${found.size} ${found.mtimeMs}`)
  for (const file of config ?? []) identity.update(await readFile(file))
  return {
    image: path,
    ...(tree && existsSync(join(tree, 'vmlinux')) && { vmlinux: join(tree, 'vmlinux') }),
    release: tree ? await releaseOf(tree) : 'unknown',
    ...(tree && { buildTree: tree }),
    modules: {},
    id: `kernel-path-${identity.digest('hex').slice(0, 16)}`,
    label: path,
  }
}

/** The build tree that an Image lies in, where external modules can be built against it. */
function treeAround(path: string): string | undefined {
  if (!path.endsWith(`/${IN_TREE}`)) return undefined
  const tree = dirname(dirname(dirname(dirname(path))))
  const needed = ['.config', 'Module.symvers', 'include/config/kernel.release']
  return needed.every((name) => existsSync(join(tree, name))) ? tree : undefined
}

async function readMagic(path: string): Promise<string> {
  const file = await open(path)
  try {
    const bytes = Buffer.alloc(4)
    await file.read(bytes, 0, 4, MAGIC.at)
    return bytes.toString('latin1')
  } finally {
    await file.close()
  }
}
