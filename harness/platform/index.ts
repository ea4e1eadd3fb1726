// SPDX-License-Identifier: Apache-2.0
export type { CommandResult } from './agent.ts'
export { Board } from './board.ts'
export { bootBoard, obtainBoard } from './bring-up.ts'
export { type Device, rootPort, virtioBlk, virtioNet, virtioRng } from './device.ts'
export { CommandFailed, Domain, type RunOptions } from './domain.ts'
export { ModelFailure } from './modelled.ts'
export { within } from './patience.ts'
export type { BoardDevice, BoardOptions, DomUOptions, PlatformName } from './plan.ts'
