// SPDX-License-Identifier: Apache-2.0
/**
 * `npm run bench:console -- DIR`: how the failure catalogue does on a folder of console logs whose expectations stand in a header
 * (`TITLE:`, `ALT:`; none: nothing may be reported), and how fast it is.
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Demultiplexer, failuresOf } from '../console/index.ts'
import { measureSpeed } from './console-speed.ts'

/** A log, and what must be found in it. */
interface Case {
  name: string
  /** Any of these titles will do; none: the log must not be reported. */
  titles: string[]
  log: Buffer
}

/** What became of the cases of one kind. */
interface Row {
  cases: number
  detected: number
  exact: number
}

const EMPTY_LINE = Buffer.from('\n\n')
const REPORT = Buffer.from('\nREPORT:\n')

function read(dir: string, name: string): Case {
  const file = readFileSync(join(dir, name))
  const headed = file[0] !== 0x0a
  const end = headed ? file.indexOf(EMPTY_LINE) : -1
  const header = headed ? file.subarray(0, end < 0 ? file.length : end).toString() : ''
  const body = file.subarray(headed ? (end < 0 ? file.length : end + 2) : 1)
  const report = body.indexOf(REPORT)
  const titles = [...header.matchAll(/^(?:TITLE|ALT): (.*)$/gm)].map((match) => match[1] ?? '')
  return { name, titles, log: report < 0 ? body : body.subarray(0, report) }
}

/** The title of the first failure that is found. */
function found({ log }: Case): string | undefined {
  const wire = new Demultiplexer({ name: 'log', shared: false, nameOf: () => '' })
  const lines = [...wire.push(log, 0), ...wire.end(0)]
  return failuresOf(lines.map(({ text }) => text))[0]?.title
}

/** The kind of a title, for a table: what stands before the first function name. */
const kindOf = (title: string): string => title.replace(/ (?:in|at|for) .*/, '').replace(/: .*(?<=.{28})/, '')

function score(cases: readonly Case[], verbose: boolean): void {
  const rows = new Map<string, Row>()
  const total: Row = { cases: 0, detected: 0, exact: 0 }
  const quiet = { cases: 0, reported: 0 }
  for (const one of cases) {
    const title = found(one)
    const [expected] = one.titles
    if (expected === undefined) {
      quiet.cases++
      if (title !== undefined) quiet.reported++
      if (title !== undefined || verbose)
        process.stdout.write(`${one.name}: reported: ${title ?? 'nothing'}\n`)
      continue
    }
    const row = rows.get(kindOf(expected)) ?? { cases: 0, detected: 0, exact: 0 }
    rows.set(kindOf(expected), row)
    for (const into of [row, total]) {
      into.cases++
      if (title !== undefined) into.detected++
      if (title !== undefined && one.titles.includes(title)) into.exact++
    }
    if (verbose && !one.titles.includes(title ?? ''))
      process.stdout.write(`${one.name}: ${expected} | ${title ?? 'missed'}\n`)
  }
  const line = (name: string, { cases: n, detected, exact }: Row) =>
    `${name.padEnd(52)} ${String(n).padStart(5)} ${String(detected).padStart(9)} ${String(exact).padStart(6)}\n`
  process.stdout.write(`${'kind'.padEnd(52)} cases  detected  exact\n`)
  for (const [name, row] of [...rows].sort(([a], [b]) => a.localeCompare(b)))
    process.stdout.write(line(name, row))
  process.stdout.write(line('all', total))
  const percent = (part: number) => `${((100 * part) / Math.max(1, total.cases)).toFixed(1)} %`
  process.stdout.write(
    `detected ${percent(total.detected)}, exact titles ${percent(total.exact)}; must not fire: ${quiet.reported} of ${quiet.cases} reported\n`,
  )
}

const [dir, ...flags] = process.argv.slice(2)
if (!dir) {
  process.stderr.write('usage: npm run bench:console -- DIR [--verbose]\n')
  process.exitCode = 129
} else {
  const names = readdirSync(dir).sort((a, b) => a.localeCompare(b, 'en', { numeric: true }))
  score(
    names.map((name) => read(dir, name)),
    flags.includes('--verbose'),
  )
  process.stdout.write(`${measureSpeed()}\n`)
}
