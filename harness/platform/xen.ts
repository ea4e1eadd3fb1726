// SPDX-License-Identifier: Apache-2.0
/** The platform `xen`: Xen at EL2, dom0 with its tools (or none), and dom0less domUs. */
import { stat, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { HostProblem, type Images } from '../../images/index.ts'
import { PciFunction, type RootComplex, requesterId } from '../pci/index.ts'
import { AGENT_BOOTARGS, agentArguments, agentPort, MAX_AGENTS } from './agent-port.ts'
import { deviceArguments, transportOf } from './device.ts'
import { cells, compileTree, type TreeNode, writeTree } from './device-tree.ts'
import { machineArguments, TREE_ARGUMENTS } from './machine-arguments.ts'
import { machineTree } from './machine-tree.ts'
import { type Placing, placeDevices } from './placing.ts'
import {
  type BoardDevice,
  type BoardOptions,
  type BoardPlan,
  type DomUOptions,
  type PlannedDomain,
  UART0,
  UART1,
} from './plan.ts'
import { machineNode, machineNodeName } from './root-complex-tree.ts'
import { UARTS } from './virt-machine.ts'
import {
  type BackendOf,
  type BootModule,
  domainNode,
  GUEST_PL011,
  GUEST_VIRTIO_MMIO,
  moduleNodes,
  passedThroughBridge,
  passthroughTree,
} from './xen-tree.ts'

/** Where the boot modules begin: above Xen, and above the tree that QEMU puts at 128 MiB. */
const MODULES_BASE = 0x4a00_0000
const MODULE_ALIGNMENT = 2 ** 21

const DOM0 = { name: 'dom0', memory: 256, cpus: 1 }
const DOMU = { memory: 192, cpus: 1 }

const XEN_BOOTARGS = [
  'console=dtuart dtuart=serial0',
  // The input focus stays with Xen: the domain that has it would print without its prefix, and character by character.
  'conswitch=ax',
  `dom0_mem=${DOM0.memory}M dom0_max_vcpus=${DOM0.cpus}`,
  // Lines below these levels would be lost, among them what a domU prints.
  'loglvl=all guest_loglvl=all',
  // Zeroing all RAM at boot is a third of a second of emulation.
  'bootscrub=0',
].join(' ')

/**
 * For every domain. Xen offers its guests a call against Speculative Store Bypass, and a kernel that finds it makes it on each way into and
 * out of user space (the kernel's arch/arm64/kernel/proton-pack.c); TCG does not speculate.
 */
const GUEST_BOOTARGS = `${AGENT_BOOTARGS} ssbd=force-off`

const REFERENCE_BOOT = 2200

/** Puts boot modules one behind the other; the same file is loaded once. */
class ModuleMap {
  readonly loaded = new Map<string, BootModule>()
  #next = MODULES_BASE

  async place(kind: BootModule['kind'], file: string, path = file): Promise<BootModule> {
    const known = this.loaded.get(file)
    if (known) return known
    const { size } = await stat(path)
    const module = { kind, file, address: this.#next, size }
    this.#next += Math.ceil(size / MODULE_ALIGNMENT) * MODULE_ALIGNMENT
    this.loaded.set(file, module)
    return module
  }

  /** QEMU's arguments that load them all. */
  get args(): string[] {
    return [...this.loaded.values()].flatMap(({ file, address }) => [
      ...['-device', `loader,file=${file},addr=0x${address.toString(16)},force-raw=on`],
    ])
  }
}

const domUsOf = (options: BoardOptions): DomUOptions[] => options.domUs ?? [{ name: 'DomU' }]

const shellArgument = ({ shell }: BoardOptions): string => (shell ? 'guestrig.shell' : '')

function planDomains(options: BoardOptions, memory: number): PlannedDomain[] {
  const asked: DomUOptions[] = [...(options.dom0 === false ? [] : [DOM0]), ...domUsOf(options)]
  const names = asked.map(({ name }) => name)
  const twice = names.find((name, index) => names.indexOf(name) !== index)
  if (twice) throw new HostProblem(`two domains are called ${twice}`, 'Give each domU a name of its own.')
  if (names.length > MAX_AGENTS) {
    throw new HostProblem(
      `${names.length} domains (${names.join(', ')}): a board has room for the agents of ${MAX_AGENTS}`,
      'Ask for fewer domUs.',
    )
  }
  return asked.map(({ name, cpus = DOMU.cpus }, index) => ({
    name,
    port: agentPort(name, index, memory),
    cpus,
    uart: name === DOM0.name ? UART1 : UART0,
    domid: options.dom0 === false ? index + 1 : index,
  }))
}

/** The partial trees and the domain nodes of all domUs; the first one, under test, owns the bridge and the virtio-mmio page. */
async function planGuests(
  images: Images,
  options: BoardOptions,
  placing: Placing,
  dir: string,
  modules: ModuleMap,
  planned: PlannedDomain[],
): Promise<{ guestTrees: Record<string, string>; nodes: Record<string, TreeNode> }> {
  const { status = 'disabled' } = options
  const guestTrees: Record<string, string> = {}
  const nodes: Record<string, TreeNode> = {}
  for (const [index, domain] of planned.entries()) {
    const domU = domUsOf(options)[index] ?? { name: domain.name }
    const owner = index === 0 ? { placing, later: options.later ?? [], status } : undefined
    const source = writeTree(guestTree(domain, owner))
    const file = `${domU.name}.dtb`
    guestTrees[domU.name] = source
    await writeFile(join(dir, `${domU.name}.dts`), source)
    await compileTree(source, join(dir, file))
    const kernel = await modules.place('kernel', images.kernel.image)
    const bootargs = [
      consoleArguments('ttyAMA0', GUEST_PL011),
      GUEST_BOOTARGS,
      domU.bootargs,
      owner ? options.bootargs : undefined,
      shellArgument(options),
    ]
    nodes[domU.name] = domainNode({
      memory: domU.memory ?? DOMU.memory,
      cpus: domU.cpus ?? DOMU.cpus,
      enhanced: options.dom0 !== false,
      modules: [
        { ...kernel, bootargs: bootargs.filter(Boolean).join(' ') },
        await modules.place('ramdisk', images.initramfs.domU),
        await modules.place('device-tree', file, join(dir, file)),
      ],
    })
  }
  return { guestTrees, nodes }
}

/** What Xen loads into dom0; nothing if there is none. */
async function planDom0(
  images: Images,
  options: BoardOptions,
  modules: ModuleMap,
): Promise<Record<string, TreeNode>> {
  if (options.dom0 === false) return {}
  const kernel = await modules.place('kernel', images.kernel.image)
  return moduleNodes([kernel, await modules.place('ramdisk', images.initramfs.dom0)])
}

function dom0Bootargs(options: BoardOptions): string {
  const domUs = domUsOf(options).map(({ name, cpus = DOMU.cpus }) => `${name}:${cpus}`)
  return [
    consoleArguments('ttyAMA1', UARTS[1].base),
    GUEST_BOOTARGS,
    `guestrig.domUs=${domUs.join(',')}`,
    shellArgument(options),
  ].join(' ')
}

export async function planXen(images: Images, options: BoardOptions, dir: string): Promise<BoardPlan> {
  const { cpus = 2, memory = 1024 } = options
  const placing = placeDevices(options)
  const domains = planDomains(options, memory)
  const modules = new ModuleMap()
  const dom0 = await planDom0(images, options, modules)
  const domUs = domains.filter(({ name }) => name !== DOM0.name)
  const { guestTrees, nodes } = await planGuests(images, options, placing, dir, modules, domUs)
  const tree = machineTree({
    cpus,
    uarts: 2,
    agents: domains.map(({ port }) => port),
    agentProperties: (port) => (port.domain === DOM0.name ? {} : { 'xen,passthrough': true }),
    transports: GUEST_VIRTIO_MMIO.transports.map((transport) => ({
      transport,
      properties: { 'xen,passthrough': true },
    })),
    bridge: passedThroughBridge,
    nodes: Object.fromEntries(
      placing.rootComplexes.map((rootComplex, index) => [
        machineNodeName(rootComplex),
        machineNode(rootComplex, index),
      ]),
    ),
    chosen: {
      properties: {
        '#address-cells': cells(2),
        '#size-cells': cells(2),
        'xen,xen-bootargs': XEN_BOOTARGS,
        'xen,dom0-bootargs': dom0Bootargs(options),
      },
      children: { ...dom0, ...nodes },
    },
  })
  return {
    platform: 'xen',
    memory,
    guestTrees,
    machine: [
      ...machineArguments({ cpus, memory, virtualization: true }),
      ...['-serial', `chardev:${UART0}`, '-serial', `chardev:${UART1}`],
      ...agentArguments(domains.map(({ port }) => port)),
    ],
    boot: [...['-kernel', images.xen.image], ...modules.args, ...TREE_ARGUMENTS],
    devices: placing.emulated.flatMap((device) => deviceArguments(device, true)),
    files: placing.emulated.flatMap(({ file }) => file ?? []),
    models: placing.models,
    uarts: [UART0, UART1],
    wires: domains.map(({ name }) => `agent-${name}`),
    tree: writeTree(tree),
    domains,
    referenceBoot: REFERENCE_BOOT,
  }
}

/** A console on a PL011 from the kernel's first line on. */
const consoleArguments = (tty: string, base: number): string =>
  `console=${tty} earlycon=pl011,0x${base.toString(16)}`

/** What the domU under test owns. */
interface Owner {
  placing: Placing
  later: NonNullable<BoardOptions['later']>
  status: 'okay' | 'disabled'
}

/** The partial tree of a domU; the one under test owns the bridge, or the modelled ones, and the virtio-mmio page. */
function guestTree(domain: PlannedDomain, owner: Owner | undefined): TreeNode {
  if (!owner) return passthroughTree({ agent: domain.port, backends: [] })
  const { placing, later, status } = owner
  const onMmio = (index: number) => placing.emulated.find((device) => transportOf(device.at) === index)
  return passthroughTree({
    agent: domain.port,
    bridge: placing.bridge ? status : undefined,
    rootComplexes: { status, all: placing.rootComplexes },
    backends: backendsOf([...placing.emulated, ...placing.functions, ...later]),
    virtioMmio: {
      status,
      domids: GUEST_VIRTIO_MMIO.transports.map((index) => onMmio(index)?.backend ?? 0),
    },
  })
}

/** Whom each function on a bridge is served by, in so far as it has a backend. */
function backendsOf(devices: Exclude<BoardDevice, RootComplex>[]): BackendOf[] {
  return devices.flatMap((device) => {
    const served = device instanceof PciFunction || device.virtio
    if (!served || device.backend === undefined || transportOf(device.at) !== undefined) return []
    return [{ rid: requesterId(device.at), domid: device.backend }]
  })
}
