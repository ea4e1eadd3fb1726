// SPDX-License-Identifier: Apache-2.0
import type { FailureRow } from './catalogue/index.ts'
import type { Console } from './console.ts'
import type { Failure } from './problems.ts'
import { FailureScanner } from './report/index.ts'

/** A report is over when its console has printed nothing for this long, in ms, … */
const QUIET = 250
/** … or when it has gone on for this long. */
const LONGEST = 3000

export interface Found {
  failure: Failure
  verdict: FailureRow['verdict']
}

/**
 * Looks at every line of a console for failures, and collects each one's report to its end. `begun` is called with its first line, `found` when it
 * is whole.
 */
export function watchForFailure(console: Console, found: (one: Found) => void, begun = () => {}): void {
  let quiet: NodeJS.Timeout | undefined
  let longest: NodeJS.Timeout | undefined
  const scanner = new FailureScanner({
    domain: console.domain,
    begun: () => {
      longest ??= setTimeout(() => scanner.end(), LONGEST)
      begun()
    },
    found: ({ verdict, first: _first, last: _last, ...failure }) => {
      if (!scanner.collecting) {
        clearTimeout(longest)
        longest = undefined
      }
      found({ failure, verdict })
    },
  })
  console.onLine(({ text }) => {
    scanner.push(text)
    clearTimeout(quiet)
    if (scanner.collecting) quiet = setTimeout(() => scanner.end(), QUIET)
  })
}
