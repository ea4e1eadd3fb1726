// SPDX-License-Identifier: Apache-2.0
import type { FailureRow } from './row.ts'

/** What the image's own programs say (`images/guest/`). */
export const INIT: readonly FailureRow[] = [
  // watch_domains() in dom0's init: no domain prints its own end
  {
    kind: 'domain-ended',
    by: 'init',
    word: 'guestrig-init: domain ',
    start: /^guestrig-init: domain (?<domain>\S+) (?<what>.*)/,
    titles: ['domain {domain} {what}'],
    frames: [],
    verdict: 'crash',
  },
  {
    kind: 'init',
    by: 'init',
    word: 'guestrig-init: failed: ',
    start: /guestrig-init: failed: (?<what>.*)/,
    titles: ["the image's init failed: {what}"],
    verdict: 'error',
  },
  {
    kind: 'agent',
    by: 'init',
    word: 'guestrig-agent: ',
    start: /guestrig-agent: (?<what>.*)/,
    titles: ['the agent failed: {what}'],
    verdict: 'error',
  },
]
