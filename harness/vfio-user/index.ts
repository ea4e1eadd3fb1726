// SPDX-License-Identifier: Apache-2.0
export type { RegionInfo, Upstream, VfioUserDevice } from './device.ts'
export { InterruptLines } from './interrupts.ts'
export { DmaFault, GuestMemory } from './memory.ts'
export { Irq, Region } from './protocol.ts'
export { type ServerOptions, VfioUserServer } from './server.ts'
