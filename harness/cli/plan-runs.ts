// SPDX-License-Identifier: Apache-2.0
import { titleOf } from '../scenario/index.ts'
import { collect, type LoadProblem, type PlannedRun } from '../suite/index.ts'
import type { RunOptions } from './run-options.ts'
import { compile, scenarioFiles } from './scenario-files.ts'

export interface Plan {
  runs: PlannedRun[]
  /** JavaScript, by file. */
  scripts: Map<string, string>
  problems: LoadProblem[]
}

/** What is to be run: the scenarios of the files, as far as the options choose them. */
export async function planRuns(files: string[], { name, platform, shard }: RunOptions): Promise<Plan> {
  const { scripts, problems } = await compile(await scenarioFiles(files))
  const collected = await collect(scripts)
  const pattern = new RegExp(name ?? '')
  const chosen = collected.runs.filter(
    (run) => pattern.test(titleOf(run)) && (platform === undefined || run.platform === platform),
  )
  return {
    runs: shard ? chosen.filter((_, place) => place % shard.count === shard.index - 1) : chosen,
    scripts: new Map(scripts.map(({ file, script }) => [file, script])),
    problems: [...problems, ...collected.problems],
  }
}
