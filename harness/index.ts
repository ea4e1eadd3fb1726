// SPDX-License-Identifier: Apache-2.0
/** All that a scenario script imports; nothing else of the harness is public. */
export { expect } from 'vitest'
export {
  type Board,
  type BoardOptions,
  type CommandResult,
  type Device,
  type Domain,
  type PlatformName,
  rootPort,
  virtioBlk,
  virtioNet,
  virtioRng,
} from './platform/index.ts'
export { type ScenarioContext, type ScenarioOptions, scenario } from './scenario/index.ts'
