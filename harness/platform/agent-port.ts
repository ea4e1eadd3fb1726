// SPDX-License-Identifier: Apache-2.0
/**
 * Where the agent of each domain finds its port to the harness: one virtio-mmio transport with a virtio-serial device, and
 * a piece of reserved RAM for its rings and buffers. The device model sees machine addresses, so the piece lies at the same
 * address for the domain and for the machine; a domain under Xen gets it mapped 1:1 by `xen,reg`. No DMA API, no grant and
 * no virtio driver of the kernel under test takes part (`images/guest/agent.c`).
 */
import { at, cells, reg, type TreeNode } from './device-tree.ts'
import { IRQ_EDGE_RISING, RAM_BASE, SPI, VIRTIO_MMIO, virtioMmio } from './virt-machine.ts'

/** Bytes of shared memory of one agent; its layout is in `images/guest/agent.c`. */
const SHARED_SIZE = 0x1_0000

/**
 * Page of eight transports that holds the agent's transport, by the order of the domains. Page 0 is left to the virtio-mmio
 * functions of a scenario, and two domUs never share a page, because Xen passes whole pages through.
 */
const FIRST_AGENT_PAGE = 1
/** How many domains a board can have an agent in. */
export const MAX_AGENTS = VIRTIO_MMIO.count / VIRTIO_MMIO.perPage - FIRST_AGENT_PAGE

export interface AgentPort {
  /** Name of the domain. */
  domain: string
  /** Name of the device-tree node. */
  node: string
  transport: number
  /** Physical address of the shared memory. */
  shared: number
}

/** The port of the domain that is number `index` on a board with `memory` MiB of RAM. */
export function agentPort(domain: string, index: number, memory: number): AgentPort {
  const transport = (FIRST_AGENT_PAGE + index) * VIRTIO_MMIO.perPage
  return {
    domain,
    node: at('agent', virtioMmio(transport).base),
    transport,
    shared: RAM_BASE + memory * 2 ** 20 - (index + 1) * SHARED_SIZE,
  }
}

/** The page of registers that holds the port's transport. */
export function agentPage(port: AgentPort): { base: number; size: number } {
  return { base: VIRTIO_MMIO.base + (port.transport / VIRTIO_MMIO.perPage) * 0x1000, size: 0x1000 }
}

export const agentSharedSize = SHARED_SIZE

/** The node that the kernel's `uio_pdrv_genirq` binds to when `uio_pdrv_genirq.of_id=guestrig,agent` is on its command line. */
export function agentNode(port: AgentPort, more?: TreeNode['properties']): TreeNode {
  const { base, size, spi } = virtioMmio(port.transport)
  return {
    properties: {
      compatible: 'guestrig,agent',
      reg: reg(base, size, port.shared, SHARED_SIZE),
      interrupts: cells(SPI, spi, IRQ_EDGE_RISING),
      ...more,
    },
  }
}

/** Keeps the kernel (or Xen) from using the agents' memory as RAM. */
export function reservedMemory(ports: AgentPort[]): TreeNode {
  return {
    properties: { '#address-cells': cells(2), '#size-cells': cells(2), ranges: true },
    children: Object.fromEntries(
      ports.map((port) => [
        at('agent-shared', port.shared),
        { properties: { reg: reg(port.shared, SHARED_SIZE), 'no-map': true } },
      ]),
    ),
  }
}

/** QEMU's arguments for the ports; the character device of a domain's port has the id `agent-NAME`. */
export function agentArguments(ports: AgentPort[]): string[] {
  return [
    ...['-global', 'virtio-mmio.force-legacy=false'],
    ...ports.flatMap((port) => [
      ...[
        '-device',
        `virtio-serial-device,id=port-${port.domain},bus=virtio-mmio-bus.${port.transport},max_ports=1`,
      ],
      ...['-device', `virtconsole,bus=port-${port.domain}.0,chardev=agent-${port.domain}`],
    ]),
  ]
}

/** What the kernel's command line needs for the agent, and for markers on the console that printk must not drop. */
export const AGENT_BOOTARGS = 'uio_pdrv_genirq.of_id=guestrig,agent printk.devkmsg=on'
