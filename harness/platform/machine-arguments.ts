// SPDX-License-Identifier: Apache-2.0
import type { MsiController } from './machine-tree.ts'
import { MACHINE } from './virt-machine.ts'

/**
 * QEMU's arguments for the bare machine, without any device that nobody asked for. The processor is a Cortex-A57: it has no pointer
 * authentication, which TCG emulates slowly, and it is what Xen's own CI uses. A guest that resets or halts the machine ends QEMU,
 * which the board takes for what it is.
 */
export function machineArguments(options: {
  cpus: number
  memory: number
  virtualization: boolean
  msi?: MsiController
}): string[] {
  const machine = [
    MACHINE,
    'gic-version=3',
    'dtb-randomness=off',
    ...(options.virtualization ? ['virtualization=on'] : []),
    ...(options.msi && options.msi !== 'its' ? [`msi=${options.msi === 'none' ? 'off' : options.msi}`] : []),
  ]
  return [
    ...['-machine', machine.join(','), '-cpu', 'cortex-a57'],
    ...['-smp', String(options.cpus), '-m', String(options.memory)],
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-action', 'reboot=shutdown'],
  ]
}

/** QEMU's argument for the threads of the host that run the emulated processors: one for each, or one for all, in turns. The guest sees the same machine. */
export const threadArguments = (threads: 'each' | 'one'): string[] => [
  ...['-accel', `tcg,thread=${threads === 'one' ? 'single' : 'multi'}`],
]

/** What every board boots with, beside its kernel: the tree in its folder. */
export const TREE_ARGUMENTS = ['-dtb', 'board.dtb']
