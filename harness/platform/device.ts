// SPDX-License-Identifier: Apache-2.0
/** Functions that QEMU itself models, as a scenario asks for them; the platform turns them into QEMU's arguments. */

/** Where a function sits: `'00:01.0'` on the host bridge, `'mmio.0'` on a virtio-mmio transport of page 0. */
export type Place = `${string}:${string}.${number}` | `mmio.${number}`

type Property = string | number | boolean

/** A property with parts of its own, such as the `socket` of vfio-user-pci: QEMU takes it as JSON only. */
type Properties = Record<string, Property | Record<string, Property> | undefined>

export interface Device {
  at: Place
  /** QEMU's name of the device without its transport (`virtio-net`), or whole (`pcie-root-port`). */
  model: string
  virtio: boolean
  properties: Properties
  /** Id of the bridge that it sits behind; undefined: the host bridge. */
  bus?: string | undefined
  /** domid of its backend, for a guest that grants its memory: a row of `iommu-map`, or `iommus`; undefined for none. */
  backend: number | undefined
  /** What must be there before it, such as a `-netdev`. */
  before: string[]
  /** A file of the run's folder that it needs, written before QEMU starts. */
  file?: { name: string; content: Uint8Array }
}

interface At {
  at: Place
  /** Id of the `rootPort` that the function sits behind. */
  bus?: string
  /** domid of the backend domain under Xen; default: dom0's. `'unnamed'`: the device tree does not name it. */
  backend?: number | 'unnamed'
}

const suffix = (at: Place): string => at.replace(/[^0-9a-z]/gi, '')

const base = ({ at, bus, backend = 0 }: At): Pick<Device, 'at' | 'bus' | 'backend' | 'before'> => ({
  at,
  bus,
  backend: backend === 'unnamed' ? undefined : backend,
  before: [],
})

/** VIRTIO_NET_F_CTRL_VQ and the features that require it (virtio 1.2, section 5.1.3.1), in QEMU's words. */
const NEEDS_CONTROL_QUEUE = [
  ...['ctrl_vq', 'ctrl_rx', 'ctrl_rx_extra', 'ctrl_vlan', 'ctrl_mac_addr', 'ctrl_guest_offloads'],
  'guest_announce',
]

/**
 * A network function. With `network: 'user'` it is on QEMU's own user network, closed towards the host (`restrict=on`): the
 * gateway 10.0.2.2 answers ARP and ping. Without a control queue and what needs one, so that its probe waits for no DMA.
 */
export function virtioNet(options: At & { network?: 'user' }): Device {
  const netdev = `net${suffix(options.at)}`
  return {
    ...base(options),
    model: 'virtio-net',
    virtio: true,
    properties: {
      ...Object.fromEntries(NEEDS_CONTROL_QUEUE.map((feature) => [feature, false])),
      netdev: options.network ? netdev : undefined,
    },
    before: options.network ? ['-netdev', `user,id=${netdev},restrict=on`] : [],
  }
}

/** A disk with `content` (bytes, padded to whole sectors of 512), writable, its file in the run's folder. */
export function virtioBlk(options: At & { content: Uint8Array }): Device {
  const id = `disk${suffix(options.at)}`
  const content = new Uint8Array(Math.ceil(options.content.length / 512) * 512)
  content.set(options.content)
  return {
    ...base(options),
    model: 'virtio-blk',
    virtio: true,
    properties: { drive: id },
    before: ['-blockdev', `driver=raw,node-name=${id},file.driver=file,file.filename=${id}.img`],
    file: { name: `${id}.img`, content },
  }
}

/** A source of entropy: its probe waits for no DMA. */
export function virtioRng(options: At): Device {
  return { ...base(options), model: 'virtio-rng', virtio: true, properties: {} }
}

/**
 * A PCIe root port with the id `id`: functions behind it can be plugged while the board runs. It has no power controller, so that a
 * plugged function is there at once, and not only when the guest's native hot-plug has powered the slot.
 */
export function rootPort(options: At & { id: string }): Device {
  const slot = Number.parseInt(options.at.split(/[:.]/)[1] ?? '', 16)
  return {
    ...base(options),
    model: 'pcie-root-port',
    virtio: false,
    properties: { id: options.id, chassis: slot, slot, power_controller_present: false },
  }
}

/** The number of the transport of a place `mmio.N`; undefined for a PCI function. */
export function transportOf(at: string): number | undefined {
  return at.startsWith('mmio.') ? Number(at.slice('mmio.'.length)) : undefined
}

/** QEMU's id of a virtio function. */
export const idOf = ({ at, bus = '' }: Device): string => `fn-${bus}-${suffix(at)}`

/** QEMU's bus and address of a function at a BDF. */
export function slotOf({ at, bus }: { at: string; bus?: string | undefined }): { bus: string; addr: string } {
  const [, slot = '0', fn = '0'] = at.split(/[:.]/)
  return { bus: bus ?? 'pcie.0', addr: `${Number.parseInt(slot, 16).toString(16)}.${fn}` }
}

/** QEMU's name and properties for the device, as `device_add` takes them. `granted`: its driver must use the DMA API, so that Xen's grants apply. */
export function deviceProperties(
  device: Device,
  granted: boolean,
): Record<string, Property | Record<string, Property>> {
  const transport = transportOf(device.at)
  const onPci = transport === undefined
  const slot = slotOf(device)
  const all: Properties = {
    driver: device.virtio ? `${device.model}-${onPci ? 'pci' : 'device'}` : device.model,
    bus: onPci ? slot.bus : `virtio-mmio-bus.${transport}`,
    addr: onPci ? slot.addr : undefined,
    'disable-legacy': device.virtio && onPci ? 'on' : undefined,
    romfile: device.virtio && onPci ? '' : undefined,
    iommu_platform: device.virtio && granted ? true : undefined,
    id: device.virtio && onPci ? idOf(device) : undefined,
    ...device.properties,
  }
  return Object.fromEntries(
    Object.entries(all).flatMap(([key, value]) => (value === undefined ? [] : [[key, value]])),
  )
}

/** The device on QEMU's command line. */
export function deviceArguments(device: Device, granted: boolean): string[] {
  const { driver, ...properties } = deviceProperties(device, granted)
  const words: string[] = []
  for (const [key, value] of Object.entries(properties)) {
    if (typeof value === 'object')
      return [...device.before, '-device', JSON.stringify({ driver, ...properties })]
    words.push(`${key}=${onOff(value)}`)
  }
  return [...device.before, '-device', [driver, ...words].join(',')]
}

const onOff = (value: Property): string | number =>
  typeof value === 'boolean' ? (value ? 'on' : 'off') : value
