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

/**
 * QEMU's arguments for a machine whose state is to be saved. The state does not say that the machine was stopped when it was saved, so
 * that it runs as soon as it is restored.
 */
export const TO_BE_SAVED = ['-global', 'migration.store-global-state=off']

/** Writes the state of a machine that is stopped to `file`. */
export async function saveState(qmp: Qmp, file: string): Promise<void> {
  const capabilities = ['events', 'mapped-ram', 'x-ignore-shared']
  await qmp.execute('migrate-set-capabilities', {
    capabilities: capabilities.map((capability) => ({ capability, state: true })),
  })
  const over = migrated(qmp)
  await qmp.execute('migrate', { uri: `file:${file}` })
  await over
}

/**
 * QEMU's arguments for a machine that does not boot, but takes its state from `file`, and runs, unless it is told to wait (`-S`). All on
 * the command line: QEMU reads QMP byte by byte, with four system calls for each. If the state does not fit, QEMU ends.
 */
export function restoreArguments(file: string): string[] {
  const capabilities = ['x-events', 'mapped-ram', 'x-ignore-shared']
  return [
    ...capabilities.flatMap((capability) => ['-global', `migration.${capability}=on`]),
    ...['-incoming', `file:${file}`],
  ]
}

/** Resolves when a machine that is being restored, and that waits, has its state. Rejects with the reason of `interruption` when that aborts. */
export async function restored(qmp: Qmp, interruption: AbortSignal): Promise<void> {
  const over = migrated(qmp, interruption)
  // What came before was not heard.
  const { status } = await qmp.execute<{ status?: string }>('query-migrate')
  if (status !== 'completed') await over
}

/** Resolves when the migration that begins, or is under way, is over. Rejects with a HostProblem when it fails. */
function migrated(qmp: Qmp, interruption?: AbortSignal): Promise<void> {
  const over = awaitMigration(qmp, [AbortSignal.timeout(DEADLINE), ...(interruption ? [interruption] : [])])
  // Whoever turns out not to need it does not hear that its time is over.
  over.catch(() => {})
  return over
}

async function awaitMigration(qmp: Qmp, ends: AbortSignal[]): Promise<void> {
  const { status } = await qmp.next('MIGRATION', {
    signal: AbortSignal.any(ends),
    when: ({ status }) => status === 'completed' || status === 'failed',
  })
  if (status === 'completed') return
  const { 'error-desc': reason } = await qmp.execute<{ 'error-desc'?: string }>('query-migrate')
  throw new HostProblem(
    `QEMU could not save or restore a machine's state: ${reason ?? status}`,
    'guestrig run --cold boots instead.',
  )
}
