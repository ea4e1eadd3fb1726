// SPDX-License-Identifier: Apache-2.0
import type { FailureRow } from './row.ts'

/** What the image's own programs say (`images/guest/`). */
export const INIT: readonly FailureRow[] = [
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
