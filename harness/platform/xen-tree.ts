// SPDX-License-Identifier: Apache-2.0
/**
 * The device trees of a Xen board: the machine's, which tells Xen what to boot (`docs/misc/arm/device-tree/booting.txt`
 * in Xen's sources), and the partial one of each domU, whose `/passthrough` Xen copies into the tree that it makes for the
 * guest (`docs/misc/arm/passthrough.txt`).
 */

import type { RootComplex } from '../pci/index.ts'
import { type AgentPort, agentNode, agentPage, agentSharedSize } from './agent-port.ts'
import { at, cells, reg, type TreeNode, u64 } from './device-tree.ts'
import { BRIDGE_NODE, ECAM_BRIDGE, INTERRUPT_MAP_MASK, interruptMap } from './machine-tree.ts'
import { machineNodeName, rootComplexNode } from './root-complex-tree.ts'
import { IRQ_EDGE_RISING, IRQ_LEVEL_HIGH, PCIE, SPI, virtioMmio } from './virt-machine.ts'

/** A file that QEMU's generic loader puts into RAM before Xen starts. */
export interface BootModule {
  kind: 'kernel' | 'ramdisk' | 'device-tree'
  file: string
  /** Physical address. */
  address: number
  /** Bytes. */
  size: number
  bootargs?: string
}

/**
 * The host bridge as a domU sees it: the thread's own addresses (`001_…`: ECAM at 0x1000_0000, 32-bit window at 0x2300_0000,
 * prefetchable window at 0x1_0000_0000). The guest's prefetchable window lies elsewhere than the machine's, so its PCI
 * addresses keep the machine's numbers.
 */
export const GUEST_PCIE = {
  ecam: { guest: 0x1000_0000, machine: PCIE.ecam.base, size: PCIE.ecam.size },
  mmio: { guest: 0x2300_0000, machine: 0x2300_0000, size: 0x1000_0000 },
  mmioHigh: { guest: 0x1_0000_0000, machine: PCIE.mmioHigh.base, size: 0x1_0000_0000 },
}

/** The guest's page of virtio-mmio transports: the thread's `virtio@2000000` and `virtio@2000200`. */
export const GUEST_VIRTIO_MMIO = { guest: 0x0200_0000, transports: [0, 1] }

/** `GUEST_PL011_BASE` of Xen's `xen/include/public/arch-arm.h`: the UART that Xen emulates for a domU. */
export const GUEST_PL011 = 0x2200_0000

/** `GUEST_PHANDLE_GIC` of Xen's `xen/include/public/device_tree_defs.h`. */
const GUEST_GIC = 0xfde8

/** Which domain serves a function: rows of the bridge's `iommu-map`, by requester ID (bus << 8 | device << 3 | function). */
export interface BackendOf {
  rid: number
  domid: number
}

export interface PassthroughOptions {
  agent: AgentPort
  /** The domU owns the machine's host bridge; its `status` at boot. */
  bridge?: 'okay' | 'disabled' | undefined
  backends: BackendOf[]
  /** Modelled host bridges that the domU owns; their `status` at boot. */
  rootComplexes?: { status: 'okay' | 'disabled'; all: RootComplex[] }
  /** The domU owns page 0 of the virtio-mmio transports; the domid of the backend of each, and their `status` at boot. */
  virtioMmio?: { status: 'okay' | 'disabled'; domids: number[] }
}

const withoutIommu = { 'xen,force-assign-without-iommu': cells(1) }

const moduleNode = (module: BootModule): TreeNode => ({
  properties: {
    compatible: [`multiboot,${module.kind}`, 'multiboot,module'],
    reg: reg(module.address, module.size),
    bootargs: module.bootargs,
  },
})

export const moduleNodes = (modules: BootModule[]): Record<string, TreeNode> =>
  Object.fromEntries(modules.map((module) => [at('module', module.address), moduleNode(module)]))

/** Tells Xen to start a domU. `memory` in MiB. */
export function domainNode(options: {
  memory: number
  cpus: number
  enhanced: boolean
  modules: BootModule[]
}): TreeNode {
  return {
    properties: {
      compatible: 'xen,domain',
      '#address-cells': cells(2),
      '#size-cells': cells(2),
      memory: cells(...u64(options.memory * 1024)),
      cpus: cells(options.cpus),
      vpl011: true,
      'xen,enhanced': options.enhanced ? 'enabled' : undefined,
    },
    children: moduleNodes(options.modules),
  }
}

/** What the machine's own bridge node needs so that Xen routes its interrupts and gives it away. */
export const passedThroughBridge = {
  'xen,passthrough': true,
  interrupts: cells(...[0, 1, 2, 3].flatMap((pin) => [SPI, PCIE.firstSpi + pin, IRQ_LEVEL_HIGH])),
} as const

/** Whom each function is served by (`Documentation/devicetree/bindings/pci/pci-iommu.txt`, `iommu/xen,grant-dma.yaml`). */
const iommuMap = (backends: BackendOf[]) =>
  backends.length
    ? cells(...backends.flatMap(({ rid, domid }) => [rid, '&grant_dma' as const, domid, 1]))
    : undefined

function guestRootComplex(rootComplex: RootComplex, index: number, status: string): TreeNode {
  const { config, window, backend, answered } = rootComplex
  const backends = rootComplex.functions.flatMap((fn) =>
    fn.backend === undefined ? [] : [{ rid: fn.rid, domid: fn.backend }],
  )
  return rootComplexNode(rootComplex, index, {
    gic: GUEST_GIC,
    gicAddressCells: 0,
    more: {
      // With a mask of zero, every requester ID is the first of the map's only row.
      'iommu-map': backend === undefined ? iommuMap(backends) : cells(0, '&grant_dma', backend, 1),
      'iommu-map-mask': backend === undefined ? undefined : cells(0),
      status,
      ...(answered && {
        'xen,path': `/${machineNodeName(rootComplex)}`,
        'xen,reg': reg(...[config, window].flatMap(({ base, size }) => [base, size, base])),
        ...withoutIommu,
      }),
    },
  })
}

function guestBridge(status: string, backends: BackendOf[]): TreeNode {
  const { ecam, mmio, mmioHigh } = GUEST_PCIE
  return {
    properties: {
      ...ECAM_BRIDGE,
      reg: reg(ecam.guest, ecam.size),
      ranges: cells(
        ...[0x0200_0000, ...u64(mmio.machine), ...u64(mmio.guest), ...u64(mmio.size)],
        ...[0x4300_0000, ...u64(mmioHigh.machine), ...u64(mmioHigh.guest), ...u64(mmioHigh.size)],
      ),
      'interrupt-map-mask': INTERRUPT_MAP_MASK,
      'interrupt-map': cells(...interruptMap(GUEST_GIC, 0)),
      'iommu-map': iommuMap(backends),
      status,
      'xen,path': `/${BRIDGE_NODE}`,
      'xen,reg': reg(...[ecam, mmio, mmioHigh].flatMap(({ machine, size, guest }) => [machine, size, guest])),
      ...withoutIommu,
    },
  }
}

function guestTransport(index: number, status: string, domid: number): TreeNode {
  const { base, size, spi } = virtioMmio(index)
  const page = base - (base % 0x1000)
  return {
    properties: {
      compatible: 'virtio,mmio',
      reg: reg(GUEST_VIRTIO_MMIO.guest + (base - page), size),
      interrupts: cells(SPI, spi, IRQ_EDGE_RISING),
      'dma-coherent': true,
      iommus: cells('&grant_dma', domid),
      status,
      'xen,path': `/${at('virtio_mmio', base)}`,
      'xen,reg': reg(page, 0x1000, GUEST_VIRTIO_MMIO.guest),
      ...withoutIommu,
    },
  }
}

function guestAgent(port: AgentPort): TreeNode {
  const page = agentPage(port)
  return agentNode(port, {
    'xen,path': `/${port.node}`,
    'xen,reg': reg(page.base, page.size, page.base, port.shared, agentSharedSize, port.shared),
    ...withoutIommu,
  })
}

/** The partial device tree of a domU. */
export function passthroughTree(options: PassthroughOptions): TreeNode {
  const { virtioMmio: transports } = options
  return {
    properties: { '#address-cells': cells(2), '#size-cells': cells(2) },
    children: {
      gic: {
        properties: { phandle: cells(GUEST_GIC), '#interrupt-cells': cells(3), 'interrupt-controller': true },
      },
      passthrough: {
        properties: {
          compatible: 'simple-bus',
          ranges: true,
          '#address-cells': cells(2),
          '#size-cells': cells(2),
          'interrupt-parent': cells(GUEST_GIC),
        },
        children: {
          'xen-grant-dma': {
            label: 'grant_dma',
            properties: { compatible: 'xen,grant-dma', '#iommu-cells': cells(1) },
          },
          [options.agent.node]: guestAgent(options.agent),
          ...Object.fromEntries(
            transports
              ? GUEST_VIRTIO_MMIO.transports.map((index) => [
                  at('virtio', GUEST_VIRTIO_MMIO.guest + index * virtioMmio(index).size),
                  guestTransport(index, transports.status, transports.domids[index] ?? 0),
                ])
              : [],
          ),
          [at('pcie', GUEST_PCIE.ecam.guest)]: options.bridge
            ? guestBridge(options.bridge, options.backends)
            : undefined,
          ...Object.fromEntries(
            (options.rootComplexes?.all ?? []).map((rootComplex, index) => [
              rootComplex.name,
              guestRootComplex(rootComplex, index, options.rootComplexes?.status ?? 'disabled'),
            ]),
          ),
        },
      },
    },
  }
}
