// SPDX-License-Identifier: Apache-2.0
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { HostProblem } from '../../images/index.ts'
import type { PlatformName } from '../platform/index.ts'
import { timeGuestrig } from './command.ts'

const DOOR = join(import.meta.dirname, '../index.ts')

/** Writes a scenario file: each of `count` scenarios runs one command in the domain under test and looks at its output. */
export async function writeSmallScenarios(
  dir: string,
  platform: PlatformName,
  count: number,
): Promise<string> {
  await mkdir(dir, { recursive: true })
  const file = join(dir, `small-${count}.${platform}.scenario.ts`)
  const lines = [
    `import { expect, scenario } from ${JSON.stringify(DOOR)}`,
    '',
    `for (let number = 1; number <= ${count}; number++) {`,
    `  scenario(\`small \${number}\`, { platform: '${platform}' }, async ({ board }) => {`,
    `    const { stdout } = await board.domain().run(\`echo \${number}\`)`,
    `    expect(stdout).toBe(\`\${number}\\n\`)`,
    '  })',
    '}',
  ]
  await writeFile(file, `${lines.join('\n')}\n`)
  return file
}

interface RunOptions {
  workers: number
  /** The run's folder, that is not there yet. */
  out: string
  env?: Record<string, string>
}

/** What a whole run took, ms. */
export interface RunTimes {
  /** From the start of the command until it has ended. */
  wall: number
  /** What its scenarios took, one by one: each from before its board is made ready until its verdict. */
  scenarios: number[]
}

/**
 * Times `guestrig run` of a scenario file.
 *
 * @throws HostProblem unless every scenario passed on a board that was restored.
 */
export async function timeRun(file: string, { workers, out, env = {} }: RunOptions): Promise<RunTimes> {
  const wall = await timeGuestrig(['run', file, '--workers', String(workers), '--out', out], env)
  const results = join(out, 'results.json')
  const { scenarios } = JSON.parse(await readFile(results, 'utf8')) as { scenarios: Ran[] }
  const booted = scenarios.filter(({ restored }) => !restored)
  if (booted[0]) {
    throw new HostProblem(
      `${booted.length} of ${scenarios.length} boards were not restored, but booted; the first is that of: ${booted[0].name}`,
      `See restore-failed.txt in ${booted[0].artifacts.dir} (with guestrig bench --out DIR it stays).`,
    )
  }
  return { wall, scenarios: scenarios.map(({ durationMs }) => durationMs) }
}

/** Of a scenario in `results.json`. */
interface Ran {
  name: string
  durationMs: number
  restored: boolean
  artifacts: { dir: string }
}
