// SPDX-License-Identifier: Apache-2.0
import type { Emulator } from '../board/index.ts'
import { type Console, indent, XEN } from '../console/index.ts'
import type { Domain } from './domain.ts'
import { hangOf } from './hang.ts'

/** A boot that has not printed its first line after this long hangs, ms; an idle machine takes 200, one with four times as much to do as it has processors 2000. */
const FIRST_LINE = 8000
/** A boot in which nothing has been printed for this long hangs, ms; on an idle machine a line comes every few ms. */
const SILENCE = 12_000
/** A boot that is not over after this long hangs, whatever it prints, ms. */
const LONGEST = 90_000

/** What the watch looks at: a board that is coming up. */
export interface Booting {
  emulator: Emulator
  domains: readonly Domain[]
  consoles: readonly Console[]
  failed: AbortSignal
}

/**
 * Waits until every domain of the board is up.
 *
 * @throws GuestHang when nothing moves any more, with what the processors were doing.
 */
export async function watchBoot(board: Booting): Promise<void> {
  const up = new Set<string>()
  let rejectHang: (hang: Error) => void = () => {}
  const hang = new Promise<never>((_, reject) => {
    rejectHang = reject
  })
  hang.catch(() => {})
  const report = async (why: string) =>
    rejectHang(await hangOf(board.emulator, firstDown(board, up), describeHang(board, up, why)))
  let silence = setTimeout(report, FIRST_LINE, `nothing was printed for ${FIRST_LINE / 1000} s`)
  const longest = setTimeout(report, LONGEST, `not up after ${LONGEST / 1000} s`)
  const stops = board.consoles.map((console) =>
    console.onLine(() => {
      clearTimeout(silence)
      silence = setTimeout(report, SILENCE, `nothing was printed for ${SILENCE / 1000} s`)
    }),
  )
  const failed = new Promise<never>((_, reject) => {
    const give = () => reject(board.failed.reason)
    if (board.failed.aborted) give()
    else board.failed.addEventListener('abort', give, { once: true })
  })
  failed.catch(() => {})
  try {
    const all = Promise.all(board.domains.map((domain) => domain.up.then(() => up.add(domain.name))))
    await Promise.race([all, hang, failed])
  } finally {
    clearTimeout(silence)
    clearTimeout(longest)
    for (const stop of stops) stop()
  }
}

const firstDown = (board: Booting, up: Set<string>): string =>
  board.domains.find(({ name }) => !up.has(name))?.name ?? 'the board'

function describeHang(board: Booting, up: Set<string>, why: string): string {
  const down = board.domains.filter(({ name }) => !up.has(name))
  const xen = board.consoles.find(({ domain }) => domain === XEN)
  return [
    `the boot hangs: ${why}; not up: ${down.map(({ name }) => name).join(', ')}`,
    ...down.map((domain) => domain.lastLines()),
    ...(xen ? ['the last lines of Xen:', indent(xen.tail(6))] : []),
  ].join('\n')
}
