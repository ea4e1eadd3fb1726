// SPDX-License-Identifier: Apache-2.0
import { createHash } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { basename, resolve } from 'node:path'
import type { Package } from './apt.ts'
import { readDeb } from './deb.ts'
import type { PackageIndex } from './package-index.ts'
import { packageHashes, upstreamVersion, XEN_VERSION } from './packages.ts'
import { HostProblem } from './problem.ts'
import type { Recipe, Store } from './store.ts'
import type { Xen } from './types.ts'
import { prepareXen, readXenNotes, type XenNotes, xenImage } from './xen.ts'

const RECIPE = 1
const PACKAGE = `xen-hypervisor-${XEN_VERSION}-arm64`

/** The hypervisor, from the distribution or from a path, as the board will load it. */
export async function obtainXen(spec: string = XEN_VERSION, index: PackageIndex, store: Store): Promise<Xen> {
  const qemuVersion = upstreamVersion(await index.get('qemu'), 'qemu-system-arm')
  const stock = spec === XEN_VERSION ? await index.get('xen') : undefined
  const recipe = stock ? stockRecipe(stock, qemuVersion) : await ownRecipe(resolve(spec), qemuVersion)
  const entry = await store.obtain(recipe)
  return {
    image: xenImage(entry),
    version: stock ? upstreamVersion(stock, PACKAGE) : spec,
    ...(await readXenNotes(entry)),
    id: basename(entry),
  }
}

function stockRecipe(packages: readonly Package[], qemuVersion: string): Recipe {
  const path = `boot/xen-${XEN_VERSION}-arm64`
  return {
    kind: 'xen',
    step: 'Xen',
    version: upstreamVersion(packages, PACKAGE),
    space: 5e6,
    inputs: { recipe: RECIPE, qemuVersion, packages: packageHashes(packages) },
    packages,
    build: async (into, { debs, tell }) => {
      const [image] = await readDeb(debs[0] ?? '', (candidate) => candidate === path)
      if (!image) throw new Error(`the package of the hypervisor has no /${path}`)
      tell(said(await prepareXen(into, image.data, qemuVersion)))
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
    space: 5e6,
    quick: true,
    inputs: { recipe: RECIPE, qemuVersion, image: createHash('sha256').update(image).digest('hex') },
    build: async (into, { tell }) => {
      tell(said(await prepareXen(into, image, qemuVersion)))
    },
  }
}

function said({ wfeReplaced }: XenNotes): string {
  return wfeReplaced > 0
    ? `${wfeReplaced} WFE made YIELD, or its spinlocks hang under this QEMU`
    : 'no WFE replaced; where the QEMU sleeps in WFE, its spinlocks may hang'
}
