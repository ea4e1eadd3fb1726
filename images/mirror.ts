// SPDX-License-Identifier: Apache-2.0
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { HostProblem } from './problem.ts'

/** One archive that the host's apt reads. */
interface Source {
  uri: string
  suites: string[]
}

const RELEASE = /^(bookworm|trixie|forky|sid|unstable|testing|stable|oldstable)$/

/**
 * The base address of the Debian mirror to use: asked for, from GUESTRIG_MIRROR, or the one from which the host's apt
 * takes its main archive. sources.list(5) describes both formats.
 * @throws {HostProblem} the host's apt names no Debian archive
 */
export async function findMirror(asked?: string, etc = '/etc/apt'): Promise<string> {
  const given = asked || process.env.GUESTRIG_MIRROR
  if (given) return given.replace(/\/+$/, '')
  const sources = (await readSources(etc)).filter(({ uri }) => /^https?:|^file:|^mirror/.test(uri))
  const debian = sources.find(
    ({ uri, suites }) => suites.some((suite) => RELEASE.test(suite)) && !/security/.test(uri),
  )
  if (!debian) {
    throw new HostProblem(
      `no Debian mirror is named in ${etc}/sources.list or ${etc}/sources.list.d`,
      'set GUESTRIG_MIRROR to the base address of a Debian mirror, then repeat the command',
    )
  }
  return debian.uri.replace(/\/+$/, '')
}

/** All archives of binary packages that an apt configuration names, in its order. */
async function readSources(etc: string): Promise<Source[]> {
  const parts = (await readdir(join(etc, 'sources.list.d')).catch(() => [])).sort()
  const files = ['sources.list', ...parts.map((part) => join('sources.list.d', part))]
  const found: Source[] = []
  for (const file of files) {
    const text = await readFile(join(etc, file), 'utf8').catch(() => '')
    if (file.endsWith('.sources')) found.push(...parseDeb822(text))
    else if (file.endsWith('.list')) found.push(...parseOneLine(text))
  }
  return found
}

/** `deb [option=value …] uri suite component…`, one a line. */
function parseOneLine(text: string): Source[] {
  return [...text.matchAll(/^\s*deb\s+(?:\[[^\]]*\]\s+)?(\S+)\s+(\S+)/gm)].map(
    ([, uri = '', suite = '']) => ({
      uri,
      suites: [suite],
    }),
  )
}

/** Stanzas of `Field: value`, continued on indented lines. */
function parseDeb822(text: string): Source[] {
  const plain = text.replace(/^#.*\n?/gm, '')
  return plain.split(/\n\s*\n/).flatMap((stanza) => {
    const field = (name: string) =>
      (new RegExp(`^${name}:((?:.*)(?:\\n[ \\t].*)*)`, 'im').exec(stanza)?.[1] ?? '')
        .split(/\s+/)
        .filter(Boolean)
    if (!field('Types').includes('deb') || field('Enabled').includes('no')) return []
    return field('URIs').map((uri) => ({ uri, suites: field('Suites') }))
  })
}
