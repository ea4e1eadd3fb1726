// SPDX-License-Identifier: Apache-2.0
/** A function with one of everything. */
import {
  dvsec,
  memoryBar,
  msi,
  msix,
  PciFunction,
  type PciFunctionOptions,
  pciExpress,
  powerManagement,
  registerBar,
  serialNumber,
  vendorSpecific,
  vsec,
} from '../../harness/pci/index.ts'

/** The register in BAR 0 that says its own offset, and one that holds what is written. */
export const ECHO = 0x40
export const HOLDS = 0x80

export function specimen(options: Partial<PciFunctionOptions> = {}): PciFunction {
  let held = 0
  const registers = registerBar({
    size: 4096,
    read: (offset, width) => (offset === HOLDS && width === 4 ? held : offset),
    write: (offset, width, value) => {
      if (offset === HOLDS && width === 4) held = value
    },
  })
  return new PciFunction({
    ...{ at: '00:03.0', vendor: 0x104c, device: 0xb500, class: 0xff0000, interruptPin: 1 },
    bars: {
      0: registers,
      1: memoryBar({ size: 4096 }),
      2: memoryBar({ size: 0x1_0000, wide: true, prefetchable: true }),
    },
    capabilities: [
      pciExpress({ type: 'root-complex-endpoint' }),
      powerManagement(),
      msi({ vectors: 4 }),
      msix({ vectors: 8, bar: 1, pending: 0x800 }),
      vendorSpecific(8, [{ name: 'Own', offset: 4, width: 4, reset: 0xcafe, writable: 0xff00 }]),
      vsec({
        ...{ id: 0x1234, revision: 2, length: 0x10 },
        registers: [{ name: 'Own', offset: 8, width: 4, writable: 0xffff_ffff }],
      }),
      dvsec({
        ...{ vendor: 0x5853, id: 1, length: 0x14 },
        registers: [
          { name: 'Answer', offset: 0xc, width: 4, onRead: (value) => (value ^ 1) >>> 0 },
          { name: 'Events', offset: 0x10, width: 2, reset: 0xf, clearedByOne: 0xf },
        ],
      }),
      serialNumber(0x0123_4567_89ab_cdefn),
    ],
    ...options,
  })
}
