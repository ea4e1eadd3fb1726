// SPDX-License-Identifier: Apache-2.0
/**
 * Stacks that name lines of the TypeScript. Node's own `--enable-source-maps` reads the map of every file as it loads it, a tenth of a second for each
 * process; this reads a map when a stack is looked at that needs it.
 */
import { readFileSync } from 'node:fs'
import { SourceMap } from 'node:module'
import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

const PLACE = /(file:\/\/)?(\/[^\s()]+\.js):(\d+):(\d+)/

/** @type {Map<string, SourceMap | undefined>} */
const maps = new Map()

/** @param {string} file */
function mapOf(file) {
  if (maps.has(file)) return maps.get(file)
  let map
  try {
    map = new SourceMap(JSON.parse(readFileSync(`${file}.map`, 'utf8')))
  } catch {
    // It is what somebody wrote.
  }
  maps.set(file, map)
  return map
}

/** @param {string} frame */
const translated = (frame) =>
  frame.replace(PLACE, (whole, url, path, line, column) => {
    const file = url ? fileURLToPath(`${url}${path}`) : path
    const found = mapOf(file)?.findEntry(Number(line) - 1, Number(column) - 1)
    if (!found || !('originalSource' in found)) return whole
    const source = resolve(dirname(file), found.originalSource)
    return `${source}:${found.originalLine + 1}:${found.originalColumn + 1}`
  })

/** From now on this process's stacks are of the sources. */
export function nameSources() {
  Error.prepareStackTrace = (error, frames) =>
    [String(error), ...frames.map((frame) => `    at ${translated(String(frame))}`)].join('\n')
}
