// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import type { Package } from './apt.ts'
import { readDeb } from './deb.ts'
import { packageHashes, type SetName, upstreamVersion, XEN_VERSION } from './packages.ts'
import { HostProblem } from './problem.ts'
import type { Recipe, Store } from './store.ts'
import type { Xen } from './types.ts'
import { prepareXen, readXenNotes, xenImage } from './xen.ts'

const RECIPE = 1

/** The hypervisor, from the distribution or from a path, as the board will load it. */
export async function obtainXen(
  spec: string = XEN_VERSION,
  set: (name: SetName) => Package[],
  store: Store,
): Promise<Xen> {
  const qemuVersion = upstreamVersion(set('qemu'), 'qemu-system-arm')
  const stock = spec === XEN_VERSION
  const recipe = stock ? stockRecipe(set('xen'), qemuVersion) : await ownRecipe(resolve(spec), qemuVersion)
  const entry = await store.obtain(recipe)
  return {
    image: xenImage(entry),
    version: stock ? upstreamVersion(set('xen'), `xen-hypervisor-${XEN_VERSION}-arm64`) : spec,
    ...(await readXenNotes(entry)),
    id: basename(entry),
  }
}

function stockRecipe(packages: readonly Package[], qemuVersion: string): Recipe {
  const path = `boot/xen-${XEN_VERSION}-arm64`
  return {
    kind: 'xen',
    step: 'Xen',
    inputs: { recipe: RECIPE, qemuVersion, packages: packageHashes(packages) },
    packages,
    build: async (into, { debs }) => {
      const [image] = await readDeb(debs[0] ?? '', (candidate) => candidate === path)
      if (!image) throw new Error(`the package of the hypervisor has no /${path}`)
      await prepareXen(into, image.data, qemuVersion)
    },
  }
}

async function ownRecipe(path: string, qemuVersion: string): Promise<Recipe> {
  const image = await readFile(path).catch((error: unknown) => {
    throw new HostProblem(
      `there is no Xen image ${path}`,
      `give the path of an arm64 hypervisor image, or the version ${XEN_VERSION}`,
      { cause: error },
    )
  })
  return {
    kind: 'xen-path',
    step: 'Xen',
    inputs: { recipe: RECIPE, qemuVersion, image: createHash('sha256').update(image).digest('hex') },
    build: async (into) => {
      await prepareXen(into, image, qemuVersion)
    },
  }
}
