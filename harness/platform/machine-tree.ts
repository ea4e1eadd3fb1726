// SPDX-License-Identifier: Apache-2.0
/**
 * The part of the device tree that every platform's machine shares: processors, interrupt controller, timer, UARTs,
 * the PCI host bridge and the agents' ports. What QEMU has and no board uses (flash, RTC, GPIO, empty virtio-mmio
 * transports) is left out: the kernel need not probe it.
 */
import { type AgentPort, agentNode, reservedMemory } from './agent-port.ts'
import { at, cells, reg, type TreeNode, u64 } from './device-tree.ts'
import { GIC, IRQ_LEVEL_HIGH, PCIE, PPI, SPI, TIMER_PPIS, UARTS, virtioMmio } from './virt-machine.ts'

export interface MachineTreeOptions {
  cpus: number
  /** How many PL011s there are: QEMU has the second one only when it is given a second `-serial`. */
  uarts: 1 | 2
  agents: AgentPort[]
  /** Properties added to the node of an agent. */
  agentProperties?: (port: AgentPort) => TreeNode['properties']
  /** The virtio-mmio transports to describe, with properties added to their nodes. */
  transports?: { transport: number; properties?: TreeNode['properties'] }[]
  /** Properties added to the node of QEMU's host bridge; without them there is no such node. */
  bridge?: TreeNode['properties'] | undefined
  /** What takes the messages of MSI; default `its`. */
  msi?: MsiController
  chosen?: TreeNode
  /** More nodes under the root. */
  nodes?: Record<string, TreeNode>
}

export type MsiController = 'its' | 'gicv2m' | 'none'

/** Path of the machine's own host bridge, named by its 32-bit window as QEMU does. */
export const BRIDGE_NODE = at('pcie', PCIE.mmio.base)

/**
 * Rows of the PCI `interrupt-map`: the four pins of each of the four slots that `interrupt-map-mask` tells apart, rotated
 * as QEMU's bridge does (`hw/arm/virt.c`, `create_pcie_irq_map`).
 */
export function interruptMap(
  parent: `&${string}` | number,
  parentAddressCells: number,
): (number | `&${string}`)[] {
  const slots = [0, 1, 2, 3]
  const pins = [1, 2, 3, 4]
  return slots.flatMap((slot) =>
    pins.flatMap((pin) => [
      ...[slot << 11, 0, 0, pin, parent],
      ...Array<number>(parentAddressCells).fill(0),
      ...[SPI, PCIE.firstSpi + ((slot + pin - 1) % 4), IRQ_LEVEL_HIGH],
    ]),
  )
}

/** Mask of the `interrupt-map`: two bits of the slot number, and the pin. */
export const INTERRUPT_MAP_MASK = cells(0x1800, 0, 0, 7)

const clocked = { 'clock-names': ['uartclk', 'apb_pclk'], clocks: cells('&clock', '&clock') }

function uart(index: 0 | 1): TreeNode {
  const { base, size, spi } = UARTS[index]
  return {
    label: `uart${index}`,
    properties: {
      compatible: ['arm,pl011', 'arm,primecell'],
      reg: reg(base, size),
      interrupts: cells(SPI, spi, IRQ_LEVEL_HIGH),
      ...clocked,
    },
  }
}

/** What every generic ECAM host bridge of domain 0 has (`Documentation/devicetree/bindings/pci/host-generic-pci.yaml`). */
export const ECAM_BRIDGE: TreeNode['properties'] = {
  compatible: 'pci-host-ecam-generic',
  device_type: 'pci',
  '#address-cells': cells(3),
  '#size-cells': cells(2),
  '#interrupt-cells': cells(1),
  'bus-range': cells(0, 0xff),
  'linux,pci-domain': cells(0),
  'dma-coherent': true,
}

/** Label of the controller's node. */
export const MSI_LABEL = { its: '&its', gicv2m: '&v2m', none: undefined } as const

function bridge(properties: TreeNode['properties'], msi: MsiController): TreeNode {
  const controller = MSI_LABEL[msi]
  return {
    label: 'pcie',
    properties: {
      ...ECAM_BRIDGE,
      reg: reg(PCIE.ecam.base, PCIE.ecam.size),
      ranges: cells(
        ...[0x0100_0000, ...u64(0), ...u64(PCIE.io.base), ...u64(PCIE.io.size)],
        ...[0x0200_0000, ...u64(PCIE.mmio.base), ...u64(PCIE.mmio.base), ...u64(PCIE.mmio.size)],
        ...[0x0300_0000, ...u64(PCIE.mmioHigh.base), ...u64(PCIE.mmioHigh.base), ...u64(PCIE.mmioHigh.size)],
      ),
      'msi-map': controller ? cells(0, controller, 0, 0x1_0000) : undefined,
      'interrupt-map-mask': INTERRUPT_MAP_MASK,
      'interrupt-map': cells(...interruptMap('&gic', 2)),
      ...properties,
    },
  }
}

function transportNode(transport: number, properties: TreeNode['properties']): TreeNode {
  const { base, size, spi } = virtioMmio(transport)
  return {
    properties: {
      compatible: 'virtio,mmio',
      reg: reg(base, size),
      interrupts: cells(SPI, spi, 1),
      'dma-coherent': true,
      ...properties,
    },
  }
}

/** GIC bindings: `arm,gic-v3.yaml` for the ITS, `arm,gic.yaml` for the v2m frame. */
function msiController(msi: MsiController): Record<string, TreeNode> {
  if (msi === 'none') return {}
  const isIts = msi === 'its'
  const { base, size } = isIts ? GIC.its : GIC.v2m
  return {
    [at(isIts ? 'its' : 'v2m', base)]: {
      label: isIts ? 'its' : 'v2m',
      properties: {
        compatible: isIts ? 'arm,gic-v3-its' : 'arm,gic-v2m-frame',
        'msi-controller': true,
        '#msi-cells': isIts ? cells(1) : undefined,
        reg: reg(base, size),
      },
    },
  }
}

export function machineTree(options: MachineTreeOptions): TreeNode {
  const processors = Array.from({ length: options.cpus }, (_, index) => index)
  return {
    properties: {
      model: 'linux,dummy-virt',
      compatible: 'linux,dummy-virt',
      '#address-cells': cells(2),
      '#size-cells': cells(2),
      'interrupt-parent': cells('&gic'),
    },
    children: {
      chosen: {
        ...options.chosen,
        properties: { 'stdout-path': `/${at('pl011', UARTS[0].base)}`, ...options.chosen?.properties },
      },
      aliases: {
        properties: {
          serial0: `/${at('pl011', UARTS[0].base)}`,
          serial1: options.uarts > 1 ? `/${at('pl011', UARTS[1].base)}` : undefined,
        },
      },
      cpus: {
        properties: { '#address-cells': cells(1), '#size-cells': cells(0) },
        children: Object.fromEntries(
          processors.map((index) => [
            at('cpu', index),
            {
              properties: {
                device_type: 'cpu',
                compatible: 'arm,cortex-a57',
                'enable-method': 'psci',
                reg: cells(index),
              },
            },
          ]),
        ),
      },
      // QEMU replaces the method and the function numbers when it loads the tree.
      psci: {
        properties: { compatible: ['arm,psci-1.0', 'arm,psci-0.2', 'arm,psci'], method: 'hvc' },
      },
      timer: {
        properties: {
          compatible: ['arm,armv8-timer', 'arm,armv7-timer'],
          'always-on': true,
          interrupts: cells(...TIMER_PPIS.flatMap((ppi) => [PPI, ppi, IRQ_LEVEL_HIGH])),
        },
      },
      'apb-pclk': {
        label: 'clock',
        properties: {
          compatible: 'fixed-clock',
          '#clock-cells': cells(0),
          'clock-frequency': cells(24_000_000),
          'clock-output-names': 'clk24mhz',
        },
      },
      [at('intc', GIC.distributor.base)]: {
        label: 'gic',
        properties: {
          compatible: 'arm,gic-v3',
          '#interrupt-cells': cells(3),
          'interrupt-controller': true,
          '#address-cells': cells(2),
          '#size-cells': cells(2),
          ranges: true,
          '#redistributor-regions': cells(1),
          reg: reg(
            GIC.distributor.base,
            GIC.distributor.size,
            GIC.redistributors.base,
            GIC.redistributors.size,
          ),
          interrupts: cells(PPI, 9, IRQ_LEVEL_HIGH),
        },
        children: msiController(options.msi ?? 'its'),
      },
      [at('pl011', UARTS[0].base)]: uart(0),
      [at('pl011', UARTS[1].base)]: options.uarts > 1 ? uart(1) : undefined,
      [BRIDGE_NODE]: options.bridge && bridge(options.bridge, options.msi ?? 'its'),
      ...Object.fromEntries(
        (options.transports ?? []).map(({ transport, properties }) => [
          at('virtio_mmio', virtioMmio(transport).base),
          transportNode(transport, properties),
        ]),
      ),
      ...Object.fromEntries(
        options.agents.map((port) => [port.node, agentNode(port, options.agentProperties?.(port))]),
      ),
      'reserved-memory': reservedMemory(options.agents),
      ...options.nodes,
    },
  }
}
