// SPDX-License-Identifier: Apache-2.0
/** How a board ends that nobody stopped. */
import { HostProblem } from '../../images/index.ts'
import { describeEnding, type Ending } from '../board/index.ts'
import type { Console, Failure } from '../console/index.ts'
import type { Domain } from './domain.ts'

/** Lines of a console that are shown. */
const SHOWN = 6

/** A guest has reset or halted the machine; `reason` is QEMU's (`ShutdownCause` in its qapi/run-state.json). */
export const machineEnded = (reason: string, console: Console): Failure => ({
  kind: 'machine-ended',
  title: `the guest ended the machine: ${reason}`,
  domain: console.domain,
  complete: true,
  report: console.tail(SHOWN),
})

/** QEMU has gone, and no guest asked for it. */
export const emulatorGone = (ending: Ending, domains: readonly Domain[], dir: string): HostProblem =>
  new HostProblem(
    `QEMU ${describeEnding(ending)}\n${domains.map((domain) => domain.lastLines(SHOWN)).join('\n')}`,
    `See the consoles and qmp.log in ${dir}; reproduce.sh there runs the same machine without guestrig.`,
  )
