// SPDX-License-Identifier: Apache-2.0
/**
 * A machine's state in a file, by QEMU's migration (`docs/devel/migration/mapped-ram.rst`). RAM that is a shared file is left out
 * (`x-ignore-shared`): the file itself is the other half of the state.
 */
import { HostProblem } from '../../images/index.ts'
import type { Qmp } from './qmp.ts'

/** ms for writing or reading a state; an idle machine takes 100. */
const DEADLINE = 20_000

/** QEMU's arguments for RAM in a file. `keep`: what the guest writes goes into it; otherwise it stays private. `size` in MiB. */
export function ramFileArguments(file: string, size: number, keep: boolean): string[] {
  const backend = [
    `memory-backend-file,id=ram0,size=${size}M`,
    `mem-path=${file}`,
    `share=${keep ? 'on' : 'off'}`,
  ]
  return ['-object', backend.join(','), '-machine', 'memory-backend=ram0']
}

/** QEMU's arguments for a machine that waits for `loadState` instead of booting. */
export const AWAIT_STATE = ['-incoming', 'defer']

/** Stops the machine and writes its state to `file`. */
export async function saveState(qmp: Qmp, file: string): Promise<void> {
  await qmp.execute('stop')
  await migrate(qmp, 'migrate', file)
}

/** Reads the state from `file`; the machine is as it was, and stopped. */
export async function loadState(qmp: Qmp, file: string): Promise<void> {
  await migrate(qmp, 'migrate-incoming', file)
}

async function migrate(qmp: Qmp, command: 'migrate' | 'migrate-incoming', file: string): Promise<void> {
  const capabilities = ['events', 'mapped-ram', 'x-ignore-shared']
  await qmp.execute('migrate-set-capabilities', {
    capabilities: capabilities.map((capability) => ({ capability, state: true })),
  })
  const over = qmp.next('MIGRATION', {
    signal: AbortSignal.timeout(DEADLINE),
    when: ({ status }) => status === 'completed' || status === 'failed',
  })
  over.catch(() => {})
  await qmp.execute(command, { uri: `file:${file}` })
  const { status } = await over
  if (status === 'completed') return
  const { 'error-desc': reason } = await qmp.execute<{ 'error-desc'?: string }>('query-migrate')
  throw new HostProblem(
    `QEMU could not ${command} ${file}: ${reason ?? status}`,
    'guestrig run --cold boots instead.',
  )
}
