// SPDX-License-Identifier: Apache-2.0
import { accessSync, constants, existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { HostProblem, ToolFailed } from './problem.ts'
import type { Progress } from './progress.ts'
import { runTool } from './run.ts'

/** What the set-up and the boards need of the host: a command on PATH or a file, and the Debian package that has it. */
interface HostTool {
  name: string
  package: string
  /** For what is not a command: where it lies. */
  file?: string
}

export const HOST_TOOLS: readonly HostTool[] = [
  { name: 'make', package: 'make' },
  { name: 'gcc', package: 'gcc' },
  { name: 'C headers', package: 'libc6-dev', file: '/usr/include/stdio.h' },
  { name: 'flex', package: 'flex' },
  { name: 'bison', package: 'bison' },
  { name: 'bc', package: 'bc' },
  { name: 'aarch64-linux-gnu-gcc', package: 'gcc-aarch64-linux-gnu' },
  { name: 'arm64 C library', package: 'libc6-dev-arm64-cross', file: '/usr/aarch64-linux-gnu/lib/libc.a' },
  { name: 'dtc', package: 'device-tree-compiler' },
  { name: 'xz', package: 'xz-utils' },
  { name: 'apt-get', package: 'apt' },
  { name: 'dpkg-deb', package: 'dpkg' },
  { name: 'flock', package: 'util-linux' },
  { name: 'bash', package: 'bash' },
]

/** On an arm64 host the "cross" compiler is the native one. */
const NEEDED =
  process.arch === 'arm64'
    ? HOST_TOOLS.filter(({ package: name }) => name !== 'libc6-dev-arm64-cross')
    : HOST_TOOLS

/** The tools that are not there. */
export function missingTools(): HostTool[] {
  return NEEDED.filter(({ name, file }) => (file ? !existsSync(file) : !findCommand(name)))
}

/** Full path of a command on PATH. */
export function findCommand(name: string): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter).filter(Boolean)
  return folders
    .map((folder) => join(folder, name))
    .find((file) => {
      try {
        accessSync(file, constants.X_OK)
        return true
      } catch {
        return false
      }
    })
}

/** The command that installs tools. */
export function installCommand(tools: readonly HostTool[]): string {
  return `apt-get install -y --no-install-recommends ${tools.map((tool) => tool.package).join(' ')}`
}

/**
 * Sees to the host's tools: as root it installs what is missing, unless GUESTRIG_NO_INSTALL is set.
 * @throws {HostProblem} something is missing and not to be installed; the remedy is the command
 */
export async function checkHostTools(options: {
  progress: Progress
  signal?: AbortSignal | undefined
}): Promise<void> {
  const missing = missingTools()
  if (missing.length === 0) return
  const { progress, signal } = options
  const names = missing.map(({ name }) => name).join(', ')
  const asRoot = process.getuid?.() === 0
  if (!asRoot || process.env.GUESTRIG_NO_INSTALL || !findCommand('apt-get')) {
    throw new HostProblem(
      `tools are missing on this machine: ${names}`,
      `${asRoot ? '' : 'sudo '}${installCommand(missing)}`,
    )
  }
  const step = 'host tools'
  const start = performance.now()
  progress({ kind: 'start', step, label: names })
  await install(missing, signal)
  const still = missingTools()
  if (still.length > 0) {
    throw new HostProblem(
      `tools are still missing after their packages were installed: ${still.map(({ name }) => name).join(', ')}`,
      `see to PATH, or type ${installCommand(still).replace('install', 'install --reinstall')}`,
    )
  }
  progress({ kind: 'end', step, label: names, ms: performance.now() - start, outcome: 'made' })
}

/** Others may be at work with the host's apt; minutes are usual for unattended upgrades, seconds to wait. */
const WAIT_FOR_DPKG = ['-o', 'DPkg::Lock::Timeout=300']

async function install(missing: readonly HostTool[], signal?: AbortSignal): Promise<void> {
  const env = { DEBIAN_FRONTEND: 'noninteractive' }
  const packages = missing.map((tool) => tool.package)
  const aptGet = (...argv: string[]) =>
    runTool(['apt-get', '-qq', ...WAIT_FOR_DPKG, ...argv], { signal, env })
  const installThem = () => aptGet('install', '-y', '--no-install-recommends', ...packages)
  try {
    // An installation that was killed half-way leaves packages unconfigured, and apt refuses to go on.
    if ((await runTool(['dpkg', '--audit'], { signal })).trim()) {
      await runTool(['dpkg', '--configure', '-a'], { signal, env })
    }
    await installThem().catch(async (error: unknown) => {
      if (!(error instanceof ToolFailed)) throw error
      // No lists, or old ones.
      await aptGet('update')
      await installThem()
    })
  } catch (error) {
    if (!(error instanceof ToolFailed)) throw error
    throw new HostProblem(
      `the host's apt cannot install ${packages.join(', ')}: ${error.tail}`,
      `mend that, then repeat the command; or type: apt-get update && ${installCommand(missing)}`,
      { cause: error },
    )
  }
}
