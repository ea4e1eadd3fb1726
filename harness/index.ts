// SPDX-License-Identifier: Apache-2.0
/** All that a scenario script imports; nothing else of the harness is public. */
export { expect } from 'vitest'
export {
  addressDataWindow,
  type BackendAnswer,
  type Bar,
  type Behaviour,
  type Capability,
  cam,
  dvsec,
  EndpointTest,
  type EndpointTestOptions,
  ecam,
  memoryBar,
  msi,
  msix,
  PciFunction,
  type PciFunctionOptions,
  pciExpress,
  powerManagement,
  type Register,
  type RegisterWrite,
  RootComplex,
  type RootComplexOptions,
  RootPort,
  registerBar,
  serialNumber,
  type TraceEntry,
  vendorSpecific,
  vsec,
  XenHostBridge,
} from './pci/index.ts'
export {
  type Board,
  type BoardDevice,
  type BoardOptions,
  type CommandResult,
  type Device,
  type Domain,
  type GuestFunction,
  type PlatformName,
  rootPort,
  virtioBlk,
  virtioNet,
  virtioRng,
} from './platform/index.ts'
export { type ScenarioContext, type ScenarioOptions, scenario } from './scenario/index.ts'
export { VirtioFunction } from './virtio/index.ts'
