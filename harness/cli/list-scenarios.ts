// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { compiled } from '../../bin/compile.mjs'
import type { ScenarioRun } from '../scenario/index.ts'
import { writeWhole } from './files.ts'
import { PROJECT } from './project.ts'

interface Listed {
  file: string
  scenarios: ScenarioRun[]
}

/** Every scenario of the project. What is found is kept beside the JavaScript of the same state of the sources. */
async function listed(): Promise<Listed[]> {
  const kept = join(await compiled(), 'scenarios.json')
  const known = await readFile(kept, 'utf8').catch(() => undefined)
  if (known !== undefined) return JSON.parse(known) as Listed[]
  const found = await load()
  await writeWhole(kept, JSON.stringify(found))
  return found
}

/** Loads the scenario files. */
async function load(): Promise<Listed[]> {
  const [{ collect }, { compile, scenarioFiles }] = await Promise.all([
    import('../suite/index.ts'),
    import('./scenario-files.ts'),
  ])
  const { scripts, problems: uncompiled } = await compile(await scenarioFiles([]))
  const { runs, problems: unloaded } = await collect(scripts)
  const [problem] = [...uncompiled, ...unloaded]
  if (problem) throw new Error(problem.message)
  return scripts.map(({ file }) => ({
    file: relative(PROJECT, file),
    scenarios: runs
      .filter((run) => run.file === file)
      .map(({ name, platform, tags }) => ({ name, platform, tags })),
  }))
}

/** The text of `guestrig list`. */
export async function listScenarios(asJson: boolean): Promise<string> {
  const files = await listed()
  if (asJson) return `${JSON.stringify(files, undefined, 2)}\n`
  const blocks = files.map(({ file, scenarios }) => [file, ...scenarios.map(line)].join('\n'))
  const count = files.flatMap(({ scenarios }) => scenarios).length
  return `${blocks.join('\n\n')}\n\n${count} scenarios in ${files.length} files\n`
}

const line = ({ name, platform, tags }: ScenarioRun): string =>
  `  ${platform.padEnd(5)} ${name}${tags.length ? `  (${tags.join(', ')})` : ''}`
