// SPDX-License-Identifier: Apache-2.0
import type { Images } from '../../images/index.ts'
import type { RootComplex } from '../pci/index.ts'
import type { AgentPort } from './agent-port.ts'
import type { Device } from './device.ts'
import type { Model, PlannedModel } from './modelled.ts'

export type PlatformName = 'virt' | 'xen'

/** A function that QEMU models, one that is modelled here, or a whole modelled host bridge. */
export type BoardDevice = Device | Model

export interface DomUOptions {
  /** As `xl` shows it. */
  name: string
  /** MiB; default 192. */
  memory?: number
  /** Default 1. */
  cpus?: number
  /** Added to the kernel's command line. */
  bootargs?: string
}

/** What a scenario may say of its board; everything has a default. */
export interface BoardOptions {
  /** Emulated processors; default 2. */
  cpus?: number
  /** MiB; default 512 on `virt`, 1024 on `xen`. */
  memory?: number
  /**
   * What is there from the start: QEMU's own functions and modelled ones, by BDF under one host bridge; or modelled root complexes, with
   * their functions behind them.
   */
  devices?: BoardDevice[]
  /** Functions that the scenario plugs later (`board.plug`): the guest's `iommu-map` names their backends from the start. */
  later?: Exclude<BoardDevice, RootComplex>[]
  /** Whether there is a host bridge; default: if there is a function for it. */
  bridge?: boolean
  /** `virt`: what takes the messages of MSI and MSI-X; default `its`. */
  msi?: 'its' | 'gicv2m' | 'none'
  /** `status` of the host bridge's node, and of the virtio-mmio nodes under test, when the guest starts; default `disabled`. */
  status?: 'okay' | 'disabled'
  /** Added to the kernel's command line in the domain under test. */
  bootargs?: string
  /** `xen`: whether there is a dom0; default true. */
  dom0?: boolean
  /** `xen`: the domUs in the order of their domids, the first under test and owner of the bridge; default one, `DomU`. */
  domUs?: DomUOptions[]
  /** A shell on every console, for a person. */
  shell?: boolean
}

/** One domain of a plan. */
export interface PlannedDomain {
  name: string
  port: AgentPort
  /** How many processors it has. */
  cpus: number
  /** Wire that carries its console. */
  uart: 'uart0' | 'uart1'
  /** domid; undefined on `virt`. */
  domid?: number
}

/** Everything about a board that is known before QEMU starts. */
export interface BoardPlan {
  platform: PlatformName
  /** QEMU's arguments for the machine that every board of this shape has; the wires come from elsewhere. */
  machine: string[]
  /** QEMU's arguments for what it loads into that machine's memory, and starts: a machine that is restored has it there. */
  boot: string[]
  /** QEMU's arguments for its own functions that the scenario asked for. */
  devices: string[]
  /** Files of the run's folder that those need. */
  files: { name: string; content: Uint8Array }[]
  /** The modelled ones. */
  models: PlannedModel[]
  /** MiB */
  memory: number
  /** Wires that carry consoles. */
  uarts: string[]
  /** Those of the agents. */
  wires: string[]
  /** Source text of the machine's tree, which QEMU gets as `board.dtb`. */
  tree: string
  /** Source text of the domUs' partial trees, by domain. */
  guestTrees: Record<string, string>
  domains: PlannedDomain[]
  /** ms that an idle machine of two cores takes until every domain is up: what time limits are given for. */
  referenceBoot: number
}

/** Makes the plan. Partial trees are compiled into `dir` on the way, since the machine's tree states their sizes. */
export type Planner = (images: Images, options: BoardOptions, dir: string) => Promise<BoardPlan>

export const UART0 = 'uart0'
export const UART1 = 'uart1'
