// SPDX-License-Identifier: Apache-2.0
/** What the scenarios of this folder share: a guest, and a virtio function whose backend becomes ready some time. */
import { type Board, VirtioFunction } from '../../harness/index.ts'

/** Key 4 enables the bridge of the thread. */
export const KEYS = {
  name: 'pseudo-hotplug',
  parameters: { keys: '4+/pcie@10000000', prefix: '/passthrough' },
}

export const BACKEND_READY = 'from "backend ready" to "device bound"'

export const virtio = (at: string, present = true) => new VirtioFunction({ at, present, backend: 1 })

/**
 * Does what makes the backend ready and tells the guest, and waits until the function's driver runs it.
 *
 * @returns how long that took, ms
 */
export async function timeUntilDriven(
  fn: VirtioFunction,
  makeReady: () => void | Promise<void>,
): Promise<number> {
  const driven = fn.nextDriven()
  const start = performance.now()
  await makeReady()
  return (await driven) - start
}

export async function enableBridge(board: Board): Promise<void> {
  if (board.platform === 'xen') await board.xl('sysrq', 'DomU', '4')
  else await board.domain().sysrq('4')
}

export async function rescan(board: Board): Promise<void> {
  await board.domain().run(['sh', '-c', 'echo 1 >/sys/bus/pci/rescan'])
}
