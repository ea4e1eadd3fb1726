// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto'
import { basename, join } from 'node:path'
import { compilerVersion } from './compiler.ts'
import { DRIVERS, driverRecipe, moduleIn, readDrivers } from './drivers.ts'
import { forkServerIn, forkServerRecipe, HOST_COMPILER } from './fork-server.ts'
import { guestProgramsRecipe } from './guest-programs.ts'
import { guestToolsRecipe } from './guest-tools.ts'
import { initramfsIn, initramfsRecipe } from './initramfs.ts'
import { CROSS_COMPILE } from './kernel.ts'
import { obtainBuiltKernel } from './kernel-entry.ts'
import { kernelFromPath, parseKernelSpec } from './kernel-spec.ts'
import type { PackageIndex } from './package-index.ts'
import { describeQemu, qemuRecipe } from './qemu.ts'
import type { Store } from './store.ts'
import type { Images, ImagesRequest, Kernel, Qemu } from './types.ts'
import { obtainXen } from './xen-entry.ts'

const here = import.meta.dirname

/**
 * All the images for a request. With a store that only looks this is `locateImages`, with one that builds it is
 * `setupImages`: both name what they want by the same recipes.
 * @param onFirstError called when one part has failed, so that the caller can stop the others
 */
export async function assemble(
  request: ImagesRequest,
  index: PackageIndex,
  store: Store,
  onFirstError: () => void = () => {},
): Promise<Images> {
  const [compiler, hostCompiler] = await Promise.all([
    compilerVersion(`${CROSS_COMPILE}gcc`),
    compilerVersion(HOST_COMPILER),
  ])
  // The kernel comes first: it takes longest.
  const [{ kernel, moduleEntries }, bareQemu, forkServer, xen, tools, programs] = await together(
    onFirstError,
    [
      obtainKernel(request.kernel, compiler, index, store),
      obtainQemu(index, store),
      forkServerRecipe(join(here, 'host'), hostCompiler).then((recipe) => store.obtain(recipe)),
      obtainXen(request.xen, index, store),
      index.get('guest-tools').then((packages) => store.obtain(guestToolsRecipe(packages))),
      guestProgramsRecipe(join(here, 'guest'), compiler).then((recipe) => store.obtain(recipe)),
    ],
  )
  const { modules } = kernel
  const initramfs = await store.obtain(
    await initramfsRecipe({ tools, programs, init: join(here, 'guest/init'), modules, moduleEntries }),
  )
  const qemu: Qemu = { ...bareQemu, forkServer: forkServerIn(forkServer) }
  const parts = [qemu.id, kernel.id, xen.id, basename(initramfs)]
  return {
    qemu,
    kernel,
    xen,
    initramfs: {
      bare: initramfsIn(initramfs, 'bare'),
      dom0: initramfsIn(initramfs, 'dom0'),
      domU: initramfsIn(initramfs, 'domU'),
    },
    id: createHash('sha256').update(parts.join(' ')).digest('hex').slice(0, 16),
  }
}

async function obtainQemu(index: PackageIndex, store: Store): Promise<Omit<Qemu, 'forkServer'>> {
  const packages = await index.get('qemu')
  return describeQemu(await store.obtain(qemuRecipe(packages)), packages)
}

/** The kernel, and the drivers for it. */
async function obtainKernel(
  asked: string | undefined,
  compiler: string,
  index: PackageIndex,
  store: Store,
): Promise<{ kernel: Kernel; moduleEntries: string[] }> {
  const spec = parseKernelSpec(asked)
  const kernel =
    spec.kind === 'path'
      ? await kernelFromPath(spec.path)
      : await obtainBuiltKernel(spec, compiler, index, store)
  const { buildTree } = kernel
  if (!buildTree) return { kernel, moduleEntries: [] }
  const drivers = await readDrivers(DRIVERS)
  const entries: string[] = []
  for (const driver of drivers) {
    entries.push(await store.obtain(driverRecipe(driver, buildTree, { id: kernel.id, compiler })))
  }
  const modules = Object.fromEntries(
    drivers.map((driver, at) => [driver.name, moduleIn(entries[at] ?? '', driver)]),
  )
  return { kernel: { ...kernel, modules }, moduleEntries: entries.map((entry) => basename(entry)) }
}

/**
 * Promise.all, but nothing goes on behind the caller's back: after the first failure the others are stopped and waited for,
 * and then that failure is thrown.
 */
async function together<T extends readonly Promise<unknown>[]>(
  onFirstError: () => void,
  promises: [...T],
): Promise<{ -readonly [K in keyof T]: Awaited<T[K]> }> {
  try {
    return await Promise.all(promises)
  } catch (error) {
    onFirstError()
    await Promise.allSettled(promises)
    throw error
  }
}
