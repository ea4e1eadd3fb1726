// SPDX-License-Identifier: Apache-2.0
import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Declared, requestEnvironment, takeDeclared } from '../scenario/index.ts'
import { PROJECT, SCENARIO_ENDING, SCENARIOS } from './project.ts'

interface Listed {
  file: string
  scenarios: Declared[]
}

/** Loads every scenario file without running what is in it. */
async function load(): Promise<Listed[]> {
  Object.assign(process.env, requestEnvironment({ dir: '', listing: true }))
  const files = (await readdir(join(PROJECT, SCENARIOS), { recursive: true }))
    .filter((file) => file.endsWith(SCENARIO_ENDING))
    .sort()
  const listed: Listed[] = []
  for (const file of files) {
    await import(pathToFileURL(join(PROJECT, SCENARIOS, file)).href)
    listed.push({ file: join(SCENARIOS, file), scenarios: takeDeclared() })
  }
  return listed
}

/** The text of `guestrig list`. */
export async function listScenarios(asJson: boolean): Promise<string> {
  const listed = await load()
  if (asJson) return `${JSON.stringify(listed, undefined, 2)}\n`
  const blocks = listed.map(({ file, scenarios }) => [file, ...scenarios.map(line)].join('\n'))
  const count = listed.flatMap(({ scenarios }) => scenarios).length
  return `${blocks.join('\n\n')}\n\n${count} scenarios in ${listed.length} files\n`
}

const line = ({ name, platform, tags }: Declared): string =>
  `  ${platform.padEnd(5)} ${name}${tags.length ? `  (${tags.join(', ')})` : ''}`
