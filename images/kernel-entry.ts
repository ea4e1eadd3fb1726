// SPDX-License-Identifier: Apache-2.0
import { readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import {
  buildKernel,
  buildTree,
  imageIn,
  KERNEL_RECIPE,
  releaseOf,
  SOURCE_RECIPE,
  unpackSource,
} from './kernel.ts'
import { mergeFragments } from './kernel-config.ts'
import type { KernelSpec } from './kernel-spec.ts'
import type { PackageIndex } from './package-index.ts'
import { packageHashes, upstreamVersion } from './packages.ts'
import { HostProblem } from './problem.ts'
import type { Recipe, Store } from './store.ts'
import type { Kernel } from './types.ts'

const FRAGMENTS = join(import.meta.dirname, 'kernel')
/** The fragment that every kernel of ours starts from; `guestrig-7.3.config` has what that version asks for otherwise. */
const BASE = 'guestrig'

/** A kernel built here from the distribution's source. Its modules are left to the caller. */
export async function obtainBuiltKernel(
  spec: KernelSpec & { kind: 'version' },
  compiler: string,
  index: PackageIndex,
  store: Store,
): Promise<Kernel> {
  const [packages, base, extras] = await Promise.all([
    index.get(`linux-${spec.version}`),
    readBase(spec.version),
    Promise.all(spec.extras.map(readFragment)),
  ])
  const version = upstreamVersion(packages, `linux-source-${spec.version}`)
  const source: Recipe = {
    kind: `linux-source-${spec.version}`,
    step: 'kernel source',
    version,
    space: 700e6,
    inputs: { recipe: SOURCE_RECIPE, packages: packageHashes(packages) },
    packages,
    build: (into, work) => unpackSource(work.debs[0] ?? '', into, work),
  }
  // Modules are built against it too, so it stays.
  const sources = await store.obtain(source)
  const kernelOf = (fragments: string[]): Recipe => ({
    kind: `kernel-${spec.version}`,
    step: 'kernel',
    version,
    label: spec.label,
    space: 300e6,
    inputs: { recipe: KERNEL_RECIPE, compiler, source: source.inputs, config: mergeFragments(fragments) },
    build: async (into, { advance, signal }) => {
      const plain = extras.length > 0 ? store.find(kernelOf(base)) : undefined
      await buildKernel(into, {
        source: join(sources, 'source'),
        fragments,
        like: plain && buildTree(plain),
        onProgress: advance,
        signal,
      })
    },
  })
  const entry = await store.obtain(kernelOf([...base, ...extras]))
  const tree = buildTree(entry)
  return {
    image: imageIn(tree),
    vmlinux: join(tree, 'vmlinux'),
    release: await releaseOf(tree),
    buildTree: tree,
    modules: {},
    id: basename(entry),
    label: spec.label,
  }
}

async function readBase(version: string): Promise<string[]> {
  const ofVersion = `${BASE}-${version}`
  const names = (await fragmentNames()).includes(ofVersion) ? [BASE, ofVersion] : [BASE]
  return await Promise.all(names.map(readFragment))
}

const fragmentNames = async () => (await readdir(FRAGMENTS)).map((file) => basename(file, '.config'))

async function readFragment(name: string): Promise<string> {
  try {
    return await readFile(join(FRAGMENTS, `${name}.config`), 'utf8')
  } catch (error) {
    const extras = (await fragmentNames()).filter((known) => !known.startsWith(BASE))
    throw new HostProblem(
      `there is no kernel fragment ${name}`,
      `choose among ${extras.join(', ')}, or add images/kernel/${name}.config`,
      { cause: error },
    )
  }
}
