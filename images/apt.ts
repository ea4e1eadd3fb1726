// SPDX-License-Identifier: Apache-2.0
import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, rename, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { HostProblem, ToolFailed } from './problem.ts'
import { runTool } from './run.ts'

/** One file of the archive, as apt verified it: the hash comes from a signed index. */
export interface Package {
  name: string
  arch: string
  version: string
  uri: string
  size: number
  sha256: string
}

/** Debian's name for the machine that we run on, and what follows from it. */
export const HOST_ARCH = process.arch === 'arm64' ? 'arm64' : 'amd64'

/** The keyring moved from .gpg to .pgp in trixie; both may be there. */
const KEYRINGS = ['gpg', 'pgp'].map((suffix) => `/usr/share/keyrings/debian-archive-keyring.${suffix}`)

/** Where the apt that only downloads has its configuration. */
export function aptFolder(cache: string): string {
  return join(cache, 'apt')
}

/**
 * An apt of our own beside the host's: other suites, another architecture, no root, and nothing of the host's changes.
 * The host's proxies and the like still count, for its apt.conf is read as usual.
 */
export class PrivateApt {
  readonly folder: string
  readonly mirror: string
  readonly suites: readonly string[]

  constructor(folder: string, mirror: string, suites: readonly string[]) {
    this.folder = folder
    this.mirror = mirror
    this.suites = suites
  }

  /** Fetches the indices of the suites. @throws {HostProblem} the mirror does not answer, or its signature is not good */
  async update(signal?: AbortSignal): Promise<void> {
    const keyring = KEYRINGS.find((file) => existsSync(file))
    if (!keyring) {
      throw new HostProblem(
        `Debian's archive keys are missing (${KEYRINGS.join(' or ')})`,
        'apt-get install debian-archive-keyring',
      )
    }
    await mkdir(join(this.folder, 'lists/partial'), { recursive: true })
    await mkdir(join(this.folder, 'cache/archives/partial'), { recursive: true })
    await writeFile(join(this.folder, 'status'), '')
    const lines = this.suites.map((suite) => `deb [signed-by=${keyring}] ${this.mirror} ${suite} main\n`)
    await writeFile(join(this.folder, 'sources.list'), lines.join(''))
    try {
      await runTool(['apt-get', ...(await aptOptions(this.folder)), '-qq', '--error-on=any', 'update'], {
        signal,
      })
    } catch (error) {
      throw mirrorProblem(error, this.mirror)
    }
  }

  /**
   * What `apt-get install` would bring onto an empty machine for these packages, dependencies included.
   * @param suite the suite that wins where several have a package
   * @throws {HostProblem} the suites have no such package
   */
  async closure(names: readonly string[], suite: string, signal?: AbortSignal): Promise<Package[]> {
    const argv = ['-s', '-qq', '-y', '--no-install-recommends', '-t', suite, 'install', ...names] as const
    const simulated = await this.#ask(argv, signal)
    const wanted = [...simulated.matchAll(/^Inst (\S+) \((\S+) .*\[(\w+)\]\)/gm)].map(
      ([, name = '', version = '', arch = '']) => `${name.split(':')[0]}:${arch}=${version}`,
    )
    return await this.files(wanted, suite, signal)
  }

  /** The files of packages given as apt takes them: name[:arch][=version]. */
  async files(wanted: readonly string[], suite: string, signal?: AbortSignal): Promise<Package[]> {
    // "all" packages are asked for without an architecture.
    const specs = wanted.map((spec) => spec.replace(/:all(?==|$)/, ''))
    const uris = await this.#ask(['--print-uris', '-qq', '-t', suite, 'download', ...specs], signal)
    return [...uris.matchAll(/^'([^']+)' ([^_\s]+)_([^_\s]+)_(\w+)\.deb (\d+) SHA256:([0-9a-f]{64})/gm)].map(
      ([, uri = '', name = '', version = '', arch = '', size = '', sha256 = '']) => ({
        name,
        arch,
        version: version.replaceAll('%3a', ':'),
        uri,
        size: Number(size),
        sha256,
      }),
    )
  }

  async #ask(argv: readonly string[], signal?: AbortSignal): Promise<string> {
    try {
      return await runTool(['apt-get', ...(await aptOptions(this.folder)), ...argv], { signal })
    } catch (error) {
      if (!(error instanceof ToolFailed)) throw error
      const missing =
        /Unable to locate package (\S+)|Can't find a source to download version \S+ of '(\S+)'/.exec(
          error.stderr,
        )
      const name = missing?.[1] ?? missing?.[2]
      throw new HostProblem(
        name
          ? `the mirror ${this.mirror} has no package ${name} in ${this.suites.join(', ')}`
          : `apt cannot resolve the packages from ${this.mirror}: ${firstError(error.stderr)}`,
        'ask for a version that Debian has, such as 6.12, or set GUESTRIG_MIRROR to a complete mirror',
        { cause: error },
      )
    }
  }
}

/**
 * Writes the configuration that keeps an apt-get or apt-helper off the host's own state, and gives the options that have
 * it read: after the host's own, whose proxies still count.
 */
export async function aptOptions(folder: string): Promise<string[]> {
  const settings = {
    'Dir::Etc::sourcelist': `${folder}/sources.list`,
    'Dir::Etc::sourceparts': '/dev/null',
    'Dir::Etc::preferences': '/dev/null',
    'Dir::Etc::preferencesparts': '/dev/null',
    'Dir::State': folder,
    'Dir::State::Lists': `${folder}/lists`,
    'Dir::State::status': `${folder}/status`,
    'Dir::Cache': `${folder}/cache`,
    // Containers switch this off; every question would then parse 40 MB of lists again.
    'Dir::Cache::pkgcache': 'pkgcache.bin',
    'Dir::Cache::srcpkgcache': 'srcpkgcache.bin',
    // The downloads lie in the user's own cache folder, which apt's download user may not enter.
    'APT::Sandbox::User': 'root',
    'APT::Architecture': HOST_ARCH,
    'Acquire::Languages': 'none',
    'Acquire::Retries': '2',
    'Acquire::http::Timeout': '20',
    'Acquire::https::Timeout': '20',
  }
  const lines = [
    // The host's hooks are for its own lists and archives, and its default suite for its own packages.
    ...['APT::Update', 'APT::Architectures', 'APT::Default-Release', 'DPkg'].map((name) => `#clear ${name};`),
    `APT::Architectures { "${HOST_ARCH}"; "arm64"; };`,
    ...Object.entries(settings).map(([name, value]) => `${name} "${value}";`),
  ]
  const file = join(folder, 'apt.conf')
  await mkdir(folder, { recursive: true })
  // Whole or not at all: another apt of ours that reads half of it would turn to the host's own state.
  const unfinished = `${file}.${randomUUID()}`
  await writeFile(unfinished, `${lines.join('\n')}\n`)
  await rename(unfinished, file)
  return ['-c', file]
}

/** The first complaint of an apt, without its "E: ". */
export function firstError(stderr: string): string {
  const line = stderr.split('\n').find((text) => text.startsWith('E: '))
  return (line ?? stderr.trim().split('\n').at(-1) ?? '').replace(/^E: /, '').trim()
}

function mirrorProblem(error: unknown, mirror: string): unknown {
  if (!(error instanceof ToolFailed)) return error
  const why = firstError(error.stderr)
  const unsigned = /NO_PUBKEY|not signed|signatures were invalid/.test(error.stderr)
  return unsigned
    ? new HostProblem(
        `the signature of ${mirror} cannot be checked: ${why}`,
        "bring the archive's keys up to date with apt-get install debian-archive-keyring, or set GUESTRIG_MIRROR",
        { cause: error },
      )
    : new HostProblem(
        `the Debian mirror ${mirror} cannot be reached: ${why}`,
        'check the network, or set GUESTRIG_MIRROR to a mirror that answers, then repeat the command',
        { cause: error },
      )
}
