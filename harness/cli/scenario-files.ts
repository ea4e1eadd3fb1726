// SPDX-License-Identifier: Apache-2.0
import { readdir, stat } from 'node:fs/promises'
import { join, relative, resolve } from 'node:path'
import { compiledScript } from '../../bin/compile.mjs'
import type { LoadProblem, Script } from '../suite/index.ts'
import { PROJECT, SCENARIO_ENDING, SCENARIOS } from './project.ts'

/** In a message of esbuild's. */
interface Place {
  line: number
  column: number
}

/** The scenario files that are meant by paths of files and folders; by none: all of the project. */
export async function scenarioFiles(places: string[]): Promise<string[]> {
  const found = await Promise.all(
    (places.length > 0 ? places : [join(PROJECT, SCENARIOS)]).map(async (place) =>
      (await stat(place)).isDirectory() ? await scenariosBelow(resolve(place)) : [resolve(place)],
    ),
  )
  return [...new Set(found.flat())]
}

async function scenariosBelow(folder: string): Promise<string[]> {
  return (await readdir(folder, { recursive: true }))
    .filter((file) => file.endsWith(SCENARIO_ENDING) && !file.includes('node_modules'))
    .sort()
    .map((file) => join(folder, file))
}

/** Their JavaScript, and what is wrong with those that have none. */
export async function compile(
  files: readonly string[],
): Promise<{ scripts: Script[]; problems: LoadProblem[] }> {
  const scripts: Script[] = []
  const problems: LoadProblem[] = []
  for (const file of files) {
    try {
      scripts.push({ file, script: await compiledScript(file) })
    } catch (error) {
      const [first] = (error as { errors?: { text: string; location: Place | null }[] }).errors ?? []
      const place = first?.location ? `${first.location.line}:${first.location.column + 1}` : ''
      const why = first ? `${place} ${first.text}` : (error as Error).message
      problems.push({ file, message: `${relative(process.cwd(), file)} cannot be compiled: ${why}` })
    }
  }
  return { scripts, problems }
}
