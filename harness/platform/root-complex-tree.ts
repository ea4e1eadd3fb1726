// SPDX-License-Identifier: Apache-2.0
/** Device-tree nodes of modelled root complexes. */
import type { RootComplex } from '../pci/index.ts'
import { cells, reg, type TreeNode, u64 } from './device-tree.ts'
import { ECAM_BRIDGE, MSI_LABEL, type MsiController } from './machine-tree.ts'
import { rootComplexSlot } from './placing.ts'
import { IRQ_LEVEL_HIGH, PCIE, SPI } from './virt-machine.ts'

/** Bits 25:24 of a PCI address cell: 32-bit memory space (IEEE 1275 PCI bus binding, section 2.2.1.1). */
const MEMORY_32 = 0x0200_0000

/** The SPI of the QEMU function that stands for root complex number `index`: INTA of its slot. */
export const rootComplexSpi = (index: number): number => PCIE.firstSpi + (rootComplexSlot(index) % 4)

/** What a guest is told of a root complex. All INTx of all its functions are one interrupt. `gicAddressCells`: zeroes in front of a specifier. */
export function rootComplexNode(
  rootComplex: RootComplex,
  index: number,
  options: { gic: `&${string}` | number; gicAddressCells: number; more?: TreeNode['properties'] },
): TreeNode {
  const { config, window, segment, front } = rootComplex
  const unit = Array<number>(options.gicAddressCells).fill(0)
  return {
    properties: {
      ...ECAM_BRIDGE,
      compatible: front.compatible,
      'bus-range': cells(0, front.buses - 1),
      'linux,pci-domain': cells(segment),
      reg: reg(config.base, config.size),
      ranges: cells(MEMORY_32, ...u64(window.base), ...u64(window.base), ...u64(window.size)),
      'interrupt-map-mask': cells(0, 0, 0, 0),
      'interrupt-map': cells(0, 0, 0, 0, options.gic, ...unit, SPI, rootComplexSpi(index), IRQ_LEVEL_HIGH),
      ...options.more,
    },
  }
}

/**
 * Where the functions of a root complex send their messages: what they write comes to the ITS without a requester ID, so that they all
 * are its device 0 (QEMU's `pci_dma_write` has no memory transaction attributes).
 */
export function messageMap(msi: MsiController): TreeNode['properties'] {
  const controller = MSI_LABEL[msi]
  return controller ? { 'msi-map': cells(0, controller, 0, 1), 'msi-map-mask': cells(0) } : {}
}

/** Name of the node by which Xen knows a root complex that it gives to a domU. */
export const machineNodeName = ({ config }: RootComplex): string => `root-complex@${config.base.toString(16)}`

/** That node: its interrupt is routed to the domU, and dom0 never sees it. */
export function machineNode({ config, window }: RootComplex, index: number): TreeNode {
  return {
    properties: {
      compatible: 'guestrig,root-complex',
      reg: reg(config.base, config.size, window.base, window.size),
      interrupts: cells(SPI, rootComplexSpi(index), IRQ_LEVEL_HIGH),
      'xen,passthrough': true,
    },
  }
}
