// SPDX-License-Identifier: Apache-2.0
export { type Bar, memoryBar, registerBar } from './bar.ts'
export { requesterId } from './bdf.ts'
export type { Behaviour } from './behaviour.ts'
export {
  type Capability,
  dvsec,
  msi,
  msix,
  pciExpress,
  powerManagement,
  serialNumber,
  vendorSpecific,
  vsec,
} from './capabilities.ts'
export { addressDataWindow, type ConfigFront, cam, ecam } from './config-front.ts'
export { ConfigSpace, type Register, type RegisterWrite, type Width } from './config-space.ts'
export { EndpointTest, type EndpointTestOptions } from './endpoint-test.ts'
export { BusMasterOff, PciFunction, type PciFunctionOptions } from './function.ts'
export type { DmaMemory, Port } from './port.ts'
export { type AddressRange, RootComplex, type RootComplexOptions } from './root-complex.ts'
export { RootPort, type RootPortOptions } from './root-port.ts'
export { Trace, type TraceEntry } from './trace.ts'
export { VfioFunction } from './vfio-function.ts'
export { type BackendAnswer, XenHostBridge, type XenHostBridgeOptions } from './xen-host-bridge.ts'
