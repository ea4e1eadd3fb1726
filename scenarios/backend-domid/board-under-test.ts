// SPDX-License-Identifier: Apache-2.0
/** What the scenarios of this folder share. */
import { type Board, expect, type VirtioFunction } from '../../harness/index.ts'

export const BRIDGE = '/passthrough/pcie@10000000'

/** Key 4 enables the bridge of the thread, 5 disables it. */
export const KEYS = {
  name: 'pseudo-hotplug',
  parameters: { keys: '4+/pcie@10000000,5-/pcie@10000000,6+/pcie@34000000', prefix: '/passthrough' },
}

/** `of_map_id` says which requester ID it translated into what. */
export const TELL_TRANSLATIONS = 'loglevel=8 dyndbg="file drivers/of/base.c +p"'

/** That line: "…, id: 00000008 -> 00000001". */
export const translation = (node: string, rid: number, domid: number): RegExp => {
  const hex = (value: number) => value.toString(16).padStart(8, '0')
  return new RegExp(`OF: ${node}: iommu-map, .*id: ${hex(rid)} -> ${hex(domid)}$`)
}

/** Bit 63 of a ring's DMA address: it is granted (`drivers/xen/grant-dma-ops.c`, XEN_GRANT_DMA_ADDR_OFF). */
const GRANTED = 1n << 63n

/** Waits until a function's driver has set it up, and says whether its rings are granted. */
export async function ringsAreGranted(board: Board, fn: VirtioFunction): Promise<boolean> {
  await board.until(`${fn.at} has its driver`, () => fn.isDriven)
  const addresses = fn.queues.flatMap(({ descriptors, driver, device }) => [descriptors, driver, device])
  const granted = addresses.filter((address) => (address & GRANTED) !== 0n)
  expect([0, addresses.length]).toContain(granted.length)
  return granted.length > 0
}

/** Makes the guest look for functions that came or went silently. */
export async function rescan(board: Board): Promise<void> {
  await board.domain().run(['sh', '-c', 'echo 1 >/sys/bus/pci/rescan'])
}

/** Makes the guest forget a function. */
export async function remove(board: Board, bdf: string): Promise<void> {
  await board.domain().run(['sh', '-c', `echo 1 >/sys/bus/pci/devices/0000:${bdf}/remove`])
}

/** The driver that a function has, if any. */
export async function driverOf(board: Board, bdf: string): Promise<string> {
  const link = `/sys/bus/pci/devices/0000:${bdf}/driver`
  return (await board.domain().run(['sh', '-c', `basename "$(readlink ${link})"`])).stdout.trim()
}
