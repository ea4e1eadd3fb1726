// SPDX-License-Identifier: Apache-2.0
import { PciFunction } from '../pci/index.ts'
import { FEATURE, type Queue, STATUS, Transport } from './transport.ts'

/** Device IDs (VIRTIO 1.2, section 5), the PCI class that goes with each, and how many queues a driver expects. */
const KINDS = {
  rng: { id: 4, class: 0x00ff00, queues: 1 },
} as const

/** PCI vendor and first device ID of modern virtio functions (section 4.1.2). */
const VENDOR = 0x1af4
const FIRST_DEVICE = 0x1040

export interface VirtioFunctionOptions {
  at: string
  kind?: keyof typeof KINDS
  /** Id of the emulator's root port that it sits behind; default: on the host bridge. */
  bus?: string
  /** domid of its backend, for the bridge's `iommu-map`; by default the device tree does not say. */
  backend?: number
  present?: boolean
}

/**
 * A virtio function with all registers and no device behind them: its driver binds, sets up its queues and waits. That is enough to see what
 * addresses the driver gives away.
 */
export class VirtioFunction extends PciFunction {
  readonly #transport: Transport
  #driven: (at: number) => void = () => {}

  constructor(options: VirtioFunctionOptions) {
    const { id, class: code, queues } = KINDS[options.kind ?? 'rng']
    const transport = new Transport({
      features: (1n << FEATURE.VERSION_1) | (1n << FEATURE.ACCESS_PLATFORM),
      queues,
      config: Buffer.alloc(0),
      notified: () => {},
      statusChanged: (status) => {
        this.trace.record({ from: this.at, what: 'event', note: `virtio status 0x${status.toString(16)}` })
        if (status & STATUS.driverOk) this.#driven(performance.now())
      },
    })
    super({
      ...{
        at: options.at,
        vendor: VENDOR,
        device: FIRST_DEVICE + id,
        class: code,
        revision: 1,
        interruptPin: 1,
      },
      ...(options.bus !== undefined && { bus: options.bus }),
      ...(options.backend !== undefined && { backend: options.backend }),
      ...(options.present !== undefined && { present: options.present }),
      bars: transport.bars,
      capabilities: transport.capabilities,
      onReset: () => transport.reset(),
    })
    this.#transport = transport
    transport.isrRead = () => {
      this.intx = false
    }
  }

  /** The queues as the driver set them up. */
  get queues(): readonly Queue[] {
    return this.#transport.queues
  }

  /** Resolves when the driver next sets DRIVER_OK: `performance.now()`, ms. */
  nextDriven(): Promise<number> {
    return new Promise((resolve) => {
      this.#driven = resolve
    })
  }

  /** Whether the driver has set the device up and driven it (DRIVER_OK). */
  get isDriven(): boolean {
    return (this.#transport.status & STATUS.driverOk) !== 0
  }
}
