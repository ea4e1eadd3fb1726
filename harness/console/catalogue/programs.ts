// SPDX-License-Identifier: Apache-2.0
import { type FailureRow, linux } from './row.ts'

/** Programs that a guest is there to run, and that say themselves that they cannot go on. */
export const PROGRAMS: readonly FailureRow[] = [
  // traceback(), fatalthrow() and dopanic_m(): src/runtime/panic.go and src/runtime/traceback.go of Go
  linux({
    kind: 'go-runtime',
    word: 'goroutine ',
    start: /^goroutine \d+ (?:gp=\S+ )?(?:m=\S+ )?(?:mp=\S+ )?\[[a-z][^\]]*\]:$/,
    opening: /^(?:fatal error|panic|runtime): /,
    titles: ['go runtime error'],
    frames: [],
    continues: ['go-runtime'],
  }),
  linux({
    kind: 'go-runtime',
    word: 'runtime stack:',
    start: /^runtime stack:$/,
    opening: /^(?:fatal error|panic|runtime): /,
    titles: ['go runtime error'],
    frames: [],
    continues: ['go-runtime'],
  }),
  // doexit() and fail(): executor/common.h of syzkaller; log.SyzFatalf(): pkg/log/log.go
  linux({
    kind: 'syzkaller',
    word: 'SYZFA',
    start: /^(?<who>SYZFAIL|SYZFATAL): *(?<what>\S.*)/,
    titles: ['{who}: {what}'],
    frames: [],
    continues: ['syzkaller'],
  }),
]
