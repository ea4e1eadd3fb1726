// SPDX-License-Identifier: Apache-2.0
/** The platform `virt`: Linux alone on QEMU's virt machine. */
import type { Images } from '../../images/index.ts'
import { AGENT_BOOTARGS, agentArguments, agentPort } from './agent-port.ts'
import { deviceArguments, transportOf } from './device.ts'
import { writeTree } from './device-tree.ts'
import { machineArguments, TREE_ARGUMENTS } from './machine-arguments.ts'
import { machineTree } from './machine-tree.ts'
import { placeDevices } from './placing.ts'
import { type BoardOptions, type BoardPlan, UART0 } from './plan.ts'
import { messageMap, rootComplexNode } from './root-complex-tree.ts'
import { UARTS } from './virt-machine.ts'

/** The one domain's name. */
const DOMAIN = 'linux'

const REFERENCE_BOOT = 800

export async function planVirt(images: Images, options: BoardOptions): Promise<BoardPlan> {
  const { cpus = 2, memory = 512, status = 'disabled', msi = 'its' } = options
  const { emulated, rootComplexes, models, bridge } = placeDevices(options)
  const port = agentPort(DOMAIN, 0, memory)
  const transports = emulated.flatMap((device) => transportOf(device.at) ?? [])
  const bootargs = [
    'console=ttyAMA0',
    AGENT_BOOTARGS,
    // QEMU's GICv3 says that it has LPIs, also without an ITS; while they are there, Linux looks for no v2m frame.
    msi === 'its' ? '' : 'irqchip.gicv3_nolpi=1',
    // A kernel that checks itself is at work for long before its console is there; one that is silent for long is taken for dead.
    images.kernel.label.includes('+debug') ? `earlycon=pl011,0x${UARTS[0].base.toString(16)}` : '',
    options.shell ? 'guestrig.shell' : '',
    options.bootargs ?? '',
  ]
  return {
    platform: 'virt',
    memory,
    guestTrees: {},
    machine: [
      ...machineArguments({ cpus, memory, virtualization: false, msi }),
      ...['-serial', `chardev:${UART0}`],
      ...agentArguments([port]),
    ],
    boot: [
      ...['-kernel', images.kernel.image, '-initrd', images.initramfs.bare],
      ...['-append', bootargs.filter(Boolean).join(' ')],
      ...TREE_ARGUMENTS,
    ],
    devices: emulated.flatMap((device) => deviceArguments(device, false)),
    files: emulated.flatMap(({ file }) => file ?? []),
    models,
    uarts: [UART0],
    wires: [`agent-${DOMAIN}`],
    tree: writeTree(
      machineTree({
        cpus,
        uarts: 1,
        agents: [port],
        bridge: bridge ? { status } : undefined,
        msi,
        nodes: Object.fromEntries(
          rootComplexes.map((rootComplex, index) => [
            rootComplex.name,
            rootComplexNode(rootComplex, index, {
              ...{ gic: '&gic', gicAddressCells: 2 },
              more: { ...messageMap(msi), status },
            }),
          ]),
        ),
        transports: transports.map((transport) => ({ transport, properties: { status } })),
      }),
    ),
    domains: [{ name: DOMAIN, port, cpus, uart: UART0 }],
    referenceBoot: REFERENCE_BOOT,
  }
}
