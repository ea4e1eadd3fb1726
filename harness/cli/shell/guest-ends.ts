// SPDX-License-Identifier: Apache-2.0
import { type Console, GuestCrash, printable, watchForFailure } from '../../console/index.ts'
import type { Board } from '../../platform/index.ts'
import { Exit } from '../usage.ts'

/** How a session ended: exit status, and what is to be said of it. */
export interface Outcome {
  status: number
  message?: string
}

/** What a session is told. */
interface Listener {
  note: (text: string) => void
  over: (outcome: Outcome) => void
  broken: (reason: unknown) => void
}

/** Failures after which there is no more to see; after the others (an oops, a warning) a person may want to look around. */
const FATAL = new Set(['panic', 'xen-panic', 'xen-trap', 'domain-crash'])
const PANIC = /Kernel panic - not syncing/

/** `kernel/reboot.c`. */
const POWERED_OFF = /\breboot: (?:Power down|System halted|Restarting system)/

/** Tells a session of what befalls the guests of a running board. From now on a failure does not end the board by itself. */
export function watchGuests(board: Board, listener: Listener): void {
  board.ignoreFailures()
  for (const console of board.consoles) watchConsole(console, listener)
  let machineEnd: string | undefined
  board.emulator.qmp.on('SHUTDOWN', ({ guest, reason }) => {
    if (guest) machineEnd = reason
  })
  const failed = () => {
    if (machineEnd) listener.over({ status: Exit.ok, message: `the guest ended the machine: ${machineEnd}` })
    else listener.broken(board.failed.reason)
  }
  if (board.failed.aborted) failed()
  else board.failed.addEventListener('abort', failed, { once: true })
  watchForPowerOff(board, listener)
}

function watchConsole(console: Console, listener: Listener): void {
  watchForFailure(console, ({ failure }) => {
    if (FATAL.has(failure.kind) || failure.report.some((line) => PANIC.test(line))) {
      listener.over({ status: Exit.failed, message: printable(new GuestCrash(failure).message) })
      return
    }
    listener.note(`${failure.domain}: ${printable(failure.title)}`)
  })
}

/** A domU that goes leaves the machine running; the last one has nobody to come back to. */
function watchForPowerOff(board: Board, listener: Listener): void {
  if (board.platform === 'virt') return
  const up = new Set(board.domains.map(({ name }) => name))
  for (const { name, console } of board.domains) {
    console.onLine(({ text }) => {
      if (!POWERED_OFF.test(text) || !up.delete(name)) return
      if (up.size === 0) listener.over({ status: Exit.ok, message: `${name} has powered off` })
      else listener.note(`${name} has powered off`)
    })
  }
}
