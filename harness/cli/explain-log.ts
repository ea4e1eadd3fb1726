// SPDX-License-Identifier: Apache-2.0
import { createReadStream } from 'node:fs'
import { stat } from 'node:fs/promises'
import pc from 'picocolors'
import { Symbols, withSourceLines } from '../../images/index.ts'
import { plainJson, printable, type ScannedFailure } from '../console/index.ts'
import { type Analysis, analyse } from './log-analysis.ts'
import { UsageError } from './usage.ts'

export interface ExplainOptions {
  json?: boolean
  vmlinux?: string
  module?: string[]
}

/** Prints the failures of a log, and tells whether there are any. */
export async function explainLog(file: string, options: ExplainOptions): Promise<boolean> {
  if (options.module && !options.vmlinux) throw new UsageError('--module needs --vmlinux as well')
  const symbols = options.vmlinux ? await Symbols.open(options.vmlinux, options.module) : undefined
  const analysis = await analyse(await open(file))
  if (symbols)
    for (const failure of analysis.failures) failure.report = await withSourceLines(failure.report, symbols)
  process.stdout.write(options.json ? asJson(file, analysis) : asText(analysis))
  return analysis.failures.length > 0
}

async function open(file: string): Promise<AsyncIterable<Uint8Array>> {
  if (file === '-') return process.stdin
  const found = await stat(file).catch(() => undefined)
  if (!found || found.isDirectory()) throw new UsageError(`there is no log ${file}`)
  return createReadStream(file)
}

function asText({ lines, failures }: Analysis): string {
  if (failures.length === 0) return `no failure in ${lines} lines\n`
  return `${failures.map(one).join('\n\n')}\n`
}

function one(failure: ScannedFailure): string {
  const facts = [
    failure.kind,
    failure.frame ? `guilty: ${failure.frame}` : undefined,
    failure.domain || undefined,
    `lines ${failure.first}–${failure.last}`,
    failure.complete ? 'complete' : 'incomplete: the log does not hold the whole report',
  ]
  return [
    pc.bold(printable(failure.title)),
    printable(`  ${facts.filter(Boolean).join(' · ')}`),
    ...failure.report.map((line) => `  | ${printable(line)}`),
  ].join('\n')
}

const asJson = (file: string, { lines, failures }: Analysis): string =>
  `${plainJson({ version: 1, file, lines, failures })}\n`
