// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { agentRecipe } from './agent.ts'
import { compilerVersion } from './compiler.ts'
import { driverRecipe, moduleIn, readDrivers } from './drivers.ts'
import { guestToolsRecipe } from './guest-tools.ts'
import { initramfsIn, initramfsRecipe } from './initramfs.ts'
import { mergeFragments } from './kernel-config.ts'
import { buildKernel, buildTree, imageIn, KERNEL_RECIPE, releaseOf, SOURCE_RECIPE, unpackSource } from './kernel.ts'
import { kernelFromPath, parseKernelSpec } from './kernel-spec.ts'
import { packageHashes, type Resolved, type SetName } from './packages.ts'
import { describeQemu, qemuRecipe } from './qemu.ts'
import { notSetUp, type Recipe, type Store } from './store.ts'
import type { Images, ImagesRequest, Kernel } from './types.ts'
import { obtainXen } from './xen-entry.ts'

const here = import.meta.dirname
const FRAGMENTS = join(here, 'kernel')
const DRIVERS = join(here, '../drivers')

/** The sets of packages that a request needs. */
export function neededSets(request: ImagesRequest): SetName[] {
  const spec = parseKernelSpec(request.kernel)
  // The kernel comes first: it takes longest.
  return [...(spec.kind === 'version' ? [`linux-${spec.version}` as const] : []), 'qemu', 'xen', 'guest-tools']
}

/**
 * All the images for a request. With a store that only looks this is `locateImages`, with one that builds it is
 * `setupImages`: both name what they want by the same recipes.
 */
export async function assemble(request: ImagesRequest, resolved: Resolved, store: Store): Promise<Images> {
  const set = (name: SetName) => {
    const found = resolved.sets[name]
    if (!found) throw notSetUp(`packages for ${name}`)
    return found
  }
  const compiler = await compilerVersion()
  const qemu = store.obtain(qemuRecipe(set('qemu'))).then((entry) => describeQemu(entry, set('qemu')))
  const kernelAndInitramfs = obtainKernel(request, set, compiler, store)
  const tools = store.obtain(guestToolsRecipe(set('guest-tools')))
  const agent = agentRecipe(join(here, 'guest/agent.c'), compiler).then((recipe) => store.obtain(recipe))
  const xen = obtainXen(request.xen, set, store)
  const [theQemu, theXen, { kernel, moduleEntries }, toolsEntry, agentEntry] = await allOrFirstError([
    qemu,
    xen,
    kernelAndInitramfs,
    tools,
    agent,
  ])
  const initramfs = await store.obtain(
    await initramfsRecipe({
      tools: toolsEntry,
      agent: agentEntry,
      init: join(here, 'guest/init'),
      modules: kernel.modules,
      moduleEntries,
    }),
  )
  const parts = [theQemu.id, kernel.id, theXen.id, basename(initramfs)]
  return {
    qemu: theQemu,
    kernel,
    xen: theXen,
    initramfs: {
      bare: initramfsIn(initramfs, 'bare'),
      dom0: initramfsIn(initramfs, 'dom0'),
      domU: initramfsIn(initramfs, 'domU'),
    },
    id: createHash('sha256').update(parts.join(' ')).digest('hex').slice(0, 16),
  }
}

type Sets = (name: SetName) => NonNullable<Resolved['sets'][SetName]>

async function obtainKernel(request: ImagesRequest, set: Sets, compiler: string, store: Store) {
  const spec = parseKernelSpec(request.kernel)
  const kernel =
    spec.kind === 'path' ? await kernelFromPath(spec.path) : await builtKernel(spec, set, compiler, store)
  const moduleEntries: string[] = []
  const modules: Record<string, string> = {}
  if (kernel.buildTree) {
    for (const driver of await readDrivers(DRIVERS)) {
      const entry = await store.obtain(driverRecipe(driver, kernel.buildTree, { id: kernel.id, compiler }))
      modules[driver.name] = moduleIn(entry, driver)
      moduleEntries.push(basename(entry))
    }
  }
  return { kernel: { ...kernel, modules }, moduleEntries }
}

async function builtKernel(
  spec: { version: string; extras: string[]; label: string },
  set: Sets,
  compiler: string,
  store: Store,
): Promise<Kernel> {
  const packages = set(`linux-${spec.version}`)
  const source: Recipe = {
    kind: `linux-source-${spec.version}`,
    step: 'kernel source',
    inputs: { recipe: SOURCE_RECIPE, packages: packageHashes(packages) },
    packages,
    build: (into, { debs, signal }) => unpackSource(debs[0] ?? '', into, signal),
  }
  const [base, ...extras] = await readFragments(['guestrig', ...spec.extras])
  const kernelOf = (fragments: string[]): Recipe => ({
    kind: `kernel-${spec.version}`,
    step: 'kernel',
    inputs: { recipe: KERNEL_RECIPE, compiler, source: source.inputs, config: mergeFragments(fragments) },
    build: async (into, { advance, signal }) => {
      const plain = extras.length > 0 ? store.find(kernelOf([base ?? ''])) : undefined
      await buildKernel(into, {
        source: join(await store.obtain(source), 'source'),
        fragments,
        like: plain && buildTree(plain),
        onProgress: advance,
        signal,
      })
    },
  })
  const entry = await store.obtain(kernelOf([base ?? '', ...extras]))
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

async function readFragments(names: readonly string[]): Promise<string[]> {
  const { HostProblem } = await import('./problem.ts')
  return await Promise.all(
    names.map(async (name) => {
      try {
        return await readFile(join(FRAGMENTS, `${name}.config`), 'utf8')
      } catch (error) {
        const known = (await readdir(FRAGMENTS)).map((file) => basename(file, '.config'))
        throw new HostProblem(
          `there is no kernel fragment ${name}`,
          `choose among ${known.filter((other) => other !== 'guestrig').join(', ')}, or add images/kernel/${name}.config`,
          { cause: error },
        )
      }
    }),
  )
}

/** Promise.all, but the others are waited for before the first error is thrown, so that nothing goes on behind our back. */
async function allOrFirstError<T extends readonly Promise<unknown>[]>(
  promises: [...T],
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  await Promise.allSettled(promises)
  return await Promise.all(promises)
}
