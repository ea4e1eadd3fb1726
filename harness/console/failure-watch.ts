// SPDX-License-Identifier: Apache-2.0
import { CATALOGUE, type FailureRow } from './catalogue.ts'
import type { Console } from './console.ts'
import { XEN } from './line.ts'
import type { Failure } from './problems.ts'

/** A report is over when its console has printed nothing for this long, in ms, … */
const QUIET = 250
/** … or when it has gone on for this long, … */
const LONGEST = 3000
/** … or with its last line. */
const LAST_LINE = /---\[ end (?:trace|Kernel panic)|^Reboot in five seconds|^Manual reset required/

export interface Found {
  failure: Failure
  verdict: FailureRow['verdict']
}

/**
 * Looks at every line of a console for a failure, and collects the first one's report to its end. `begun` is called with its first line,
 * `found` when it is whole.
 */
export function watchForFailure(console: Console, found: (first: Found) => void, begun = () => {}): void {
  const rows = CATALOGUE.filter((row) => (row.by === 'xen') === (console.domain === XEN))
  const stop = console.onLine((line) => {
    for (const row of rows) {
      const match = row.start.exec(line.text)
      if (!match) continue
      stop()
      begun()
      collect(console, line.text, (report) =>
        found({
          failure: {
            kind: row.kind,
            title: row.title.replace('$1', match[1] ?? ''),
            domain: console.domain,
            report,
          },
          verdict: row.verdict,
        }),
      )
      return
    }
  })
}

function collect(console: Console, first: string, done: (report: string[]) => void): void {
  const report = [first]
  const finish = () => {
    stop()
    clearTimeout(quiet)
    clearTimeout(longest)
    done(report)
  }
  let quiet = setTimeout(finish, QUIET)
  const longest = setTimeout(finish, LONGEST)
  const stop = console.onLine((line) => {
    report.push(line.text)
    if (LAST_LINE.test(line.text)) return finish()
    clearTimeout(quiet)
    quiet = setTimeout(finish, QUIET)
  })
  if (LAST_LINE.test(first)) finish()
}
