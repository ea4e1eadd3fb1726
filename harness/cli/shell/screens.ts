// SPDX-License-Identifier: Apache-2.0
import type { Duplex } from 'node:stream'
import { XEN } from '../../console/index.ts'
import type { Board, Domain } from '../../platform/index.ts'
import { Scrollback } from './scrollback.ts'
import { type Source, XenUart } from './xen-uart.ts'

/** A console as a person sees it: the bytes that it printed, and the wire that its keys go to. */
export interface Screen {
  name: string
  /** The key that chooses it, from 1 on. */
  number: number
  scrollback: Scrollback
  wire: Duplex
  /** Where Xen's input focus must be for its keys to arrive; undefined on a wire of its own. */
  focus?: Source
  /** Absent for Xen itself. */
  domain?: Domain
}

const DOM0 = 'dom0'

/** The screens of a board, in the order of its consoles. */
export function screensOf(board: Board): Screen[] {
  const wire = (id: string) => board.emulator.wire(id)
  if (board.platform === 'virt')
    return board.domains.map((domain, index) =>
      screen(index, { name: domain.name, domain, wire: wire('uart0') }),
    )
  // Domids count from 0 in the order of the domains, and 0 is dom0's even where there is none.
  const first = board.domains[0]?.name === DOM0 ? 0 : 1
  return [
    ...board.domains.map((domain, index) =>
      screen(
        index,
        domain.name === DOM0
          ? { name: DOM0, domain, wire: wire('uart1') }
          : { name: domain.name, domain, wire: wire('uart0'), focus: first + index },
      ),
    ),
    screen(board.domains.length, { name: XEN, wire: wire('uart0'), focus: XEN }),
  ]
}

const screen = (index: number, rest: Omit<Screen, 'number' | 'scrollback'>): Screen => ({
  number: index + 1,
  scrollback: new Scrollback(),
  ...rest,
})

/** Calls `print` with what each screen prints, and `focused` when Xen says where its input focus is. */
export function listen(
  screens: Screen[],
  print: (screen: Screen, bytes: Buffer) => void,
  focused: (focus: Source) => void,
): void {
  const shared = screens.filter(({ focus }) => focus !== undefined)
  const xen = shared.at(-1)
  if (xen) {
    const uart = new XenUart(
      (source, bytes) => print(shared.find(({ focus }) => focus === source) ?? xen, bytes),
      focused,
    )
    xen.wire.on('data', (bytes: Buffer) => uart.push(bytes))
  }
  for (const screen of screens)
    if (screen.focus === undefined) screen.wire.on('data', (bytes: Buffer) => print(screen, bytes))
}
