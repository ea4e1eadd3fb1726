// SPDX-License-Identifier: Apache-2.0

import { copyFile, mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { mergeFragments, unmetSymbols } from './kernel-config.ts'
import { HostProblem, ToolFailed } from './problem.ts'
import type { Amount } from './progress.ts'
import { runTool } from './run.ts'
import type { Work } from './store.ts'

/** Bump when the same source and fragments must give another Image or another tree. */
export const KERNEL_RECIPE = 1
/** Bump when another part of the source is kept. */
export const SOURCE_RECIPE = 1

export const CROSS_COMPILE = 'aarch64-linux-gnu-'
const MAKE_ARGS = ['ARCH=arm64', `CROSS_COMPILE=${CROSS_COMPILE}`]

/** Files that are unpacked of the source, and objects that the default kernel compiles; only for "how far". */
const ROUGH_FILES = 39_000
const ROUGH_OBJECTS = 890

/** Architectures whose code is not needed; arm stays, for arm64 borrows its Xen code. */
const OTHER_ARCHES =
  'alpha arc csky hexagon loongarch m68k microblaze mips nios2 openrisc parisc powerpc riscv s390 sh sparc um x86 xtensa'

/** Drivers that an emulated machine has no use for. */
const OTHER_DRIVERS = 'accel comedi gpu iio infiniband media net/ethernet net/wireless scsi staging'

/** What is left out of the source, in tar's patterns: two thirds of it. Kconfig and Makefiles always stay. */
const LEFT_OUT = [
  ...OTHER_ARCHES.split(' ').map((name) => `*/arch/${name}/*.[chS]`),
  ...OTHER_DRIVERS.split(' ').map((name) => `*/drivers/${name}/*.[chS]`),
  '*/arch/*.dts*',
  '*/arch/arm/mach-*.[chS]',
  '*/sound/*.[chS]',
  '*/Documentation/*/*',
  '*/tools/perf/*',
  '*/tools/testing/*',
]

/** Unpacks the kernel source that a linux-source package holds into `<into>/source`. */
export async function unpackSource(
  deb: string,
  into: string,
  { advance, signal }: Pick<Work, 'advance' | 'signal'>,
): Promise<void> {
  const source = join(into, 'source')
  await mkdir(source)
  const script =
    'deb=$1; into=$2; shift 2; dpkg-deb --fsys-tarfile "$deb" | tar -xO --wildcards "./usr/src/linux-source-*.tar.xz" |' +
    ' xz -dc -T0 | tar -xv -C "$into" --strip-components=1 --no-same-owner --wildcards --wildcards-match-slash "$@"'
  const excludes = LEFT_OUT.map((pattern) => `--exclude=${pattern}`)
  let done = 0
  await runTool(['bash', '-o', 'pipefail', '-c', script, 'bash', deb, source, ...excludes], {
    signal,
    onLine: () => {
      if (++done % 500 === 0) advance({ done, total: Math.max(ROUGH_FILES, done), unit: 'files' }, 'unpacked')
    },
  })
}

export interface KernelBuild {
  /** Where the source was unpacked. */
  source: string
  /** Texts of the fragments, the later ones winning. */
  fragments: readonly string[]
  /** A finished object tree of the same source to start from, so that only what differs is compiled. */
  like?: string | undefined
  onProgress: (amount: Amount, doing?: string) => void
  signal?: AbortSignal | undefined
}

/**
 * Builds a kernel into `<into>/build`: Image, vmlinux, System.map and a tree that external modules build against.
 * @throws {HostProblem} the fragment asks for what this kernel cannot give, or the compiler complains
 */
export async function buildKernel(into: string, options: KernelBuild): Promise<void> {
  const { source, signal, onProgress } = options
  const tree = join(into, 'build')
  if (options.like) await runTool(['cp', '-a', options.like, tree], { signal })
  else await mkdir(tree)

  const fragment = mergeFragments(options.fragments)
  const fragmentFile = join(into, 'fragment.config')
  await writeFile(fragmentFile, fragment)
  const make = (targets: string[], onLine?: (line: string) => void) =>
    runTool(['make', '-C', source, `O=${tree}`, ...MAKE_ARGS, `-j${availableParallelism()}`, ...targets], {
      signal,
      env: { ...REPRODUCIBLE, KCONFIG_ALLCONFIG: fragmentFile },
      ...(onLine && { onLine }),
    })
  try {
    await make(['allnoconfig'])
    const unmet = unmetSymbols(fragment, await readFile(join(tree, '.config'), 'utf8'))
    if (unmet.length > 0) {
      throw new HostProblem(
        `this kernel cannot be configured as asked: ${unmet.join('; ')}`,
        'correct the fragment in images/kernel/',
      )
    }
    let done = 0
    const total = options.like ? undefined : ROUGH_OBJECTS
    await make(['Image', 'modules'], (line) => {
      if (!/^\s+CC\s/.test(line)) return
      done++
      onProgress({ done, total: total && Math.max(total, done), unit: 'objects' }, 'compiled')
    })
  } catch (error) {
    throw error instanceof ToolFailed ? compilerProblem(error) : error
  }
  // Intermediates of the link, 25 MB: neither modules nor a later build from this tree need them.
  for (const name of ['vmlinux.o', '.tmp_vmlinux1', '.tmp_vmlinux2', '.vmlinux.export.o']) {
    await rm(join(tree, name), { force: true })
  }
  await copyFile(join(tree, '.config'), join(into, 'config'))
}

/** Nothing of the time, the user or the machine goes into the Image. */
const REPRODUCIBLE = {
  KBUILD_BUILD_TIMESTAMP: '2025-01-01 00:00:00 UTC',
  KBUILD_BUILD_USER: 'guestrig',
  KBUILD_BUILD_HOST: 'guestrig',
  KBUILD_BUILD_VERSION: '1',
}

function compilerProblem(failed: ToolFailed): HostProblem {
  const lines = failed.stderr.split('\n')
  const first = lines.findIndex((line) => /error:|\*\*\*|undefined reference/.test(line))
  return new HostProblem(
    `the kernel does not build: ${lines.slice(Math.max(first, 0), first + 5).join('\n')}`,
    'mend the compiler error above; guestrig doctor shows the tools',
    { cause: failed },
  )
}

/** Folder of the object tree in a kernel's entry. */
export const buildTree = (entry: string) => join(entry, 'build')
export const imageIn = (tree: string) => join(tree, 'arch/arm64/boot/Image')
export const releaseOf = async (tree: string) =>
  (await readFile(join(tree, 'include/config/kernel.release'), 'utf8')).trim()
