// SPDX-License-Identifier: Apache-2.0
import { relative } from 'node:path'
import pc from 'picocolors'
import { printable } from '../console/index.ts'
import { type ScenarioResult, totalsOf } from './results.ts'

const MARK: Record<ScenarioResult['verdict'], string> = {
  pass: pc.green('✓'),
  fail: pc.red('✗ fail '),
  crash: pc.red('✗ crash'),
  hang: pc.magenta('✗ hang '),
  error: pc.yellow('! error'),
  skip: pc.dim('- skip '),
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`

/** One line a scenario on the terminal as it ends, what went wrong under it, and the counts at the end. */
export class ScenarioReporter {
  scenario(result: ScenarioResult): void {
    const times =
      result.bootMs === null
        ? ''
        : pc.dim(
            `  ${seconds(result.durationMs)}, ${result.restored ? 'restored' : 'booted'} in ${seconds(result.bootMs)}`,
          )
    const retried = result.attempts > 1 ? pc.yellow(`  after ${result.attempts} attempts`) : ''
    process.stdout.write(`${MARK[result.verdict]} ${result.name}${times}${retried}\n`)
    for (const { what, ms } of result.measurements)
      process.stdout.write(pc.dim(`    ${what}: ${ms.toFixed(1)} ms\n`))
    if (result.verdict === 'pass') return
    const folder = result.artifacts.dir && pc.dim(`see ${relative(process.cwd(), result.artifacts.dir)}/`)
    process.stdout.write(`${indent(printable(result.message))}\n${folder ? `${indent(folder)}\n` : ''}`)
  }

  /** A file that could not be loaded. */
  problem(message: string): void {
    process.stdout.write(`${MARK.error} ${indent(printable(message)).trim()}\n`)
  }

  /** The counts, after `ms`; `problems` files could not be loaded. */
  summary(scenarios: ScenarioResult[], problems: number, ms: number): void {
    const { pass, flaky, skip, ...bad } = totalsOf(scenarios)
    const kinds = Object.entries(bad).flatMap(([verdict, count]) => (count ? [`${count} ${verdict}`] : []))
    const failed = Object.values(bad).reduce((sum, count) => sum + count, problems)
    const why = kinds.length ? ` (${kinds.join(', ')})` : ''
    const unstable = flaky ? `, ${flaky} of them only after a retry` : ''
    const skipped = skip ? `, ${skip} skipped` : ''
    const took = pc.dim(` in ${seconds(ms)}`)
    const counts = pc.bold(`${pass} passed${unstable}, ${failed} failed`)
    process.stdout.write(`\n${counts}${why}${skipped}${took}\n`)
  }
}

const indent = (text: string): string =>
  text
    .split('\n')
    .map((line) => `    ${line}`)
    .join('\n')
