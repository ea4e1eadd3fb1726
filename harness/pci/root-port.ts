// SPDX-License-Identifier: Apache-2.0
import { pciExpress } from './capabilities.ts'
import type { Register } from './config-space.ts'
import { PciFunction, type PciFunctionOptions } from './function.ts'
import { barRegisters, commonHeader } from './header.ts'

/** Offsets in a type 1 header (PCI Express Base Specification 6.0, section 7.5.1.3). */
const BRIDGE = { secondaryBus: 0x19, memoryBase: 0x20, memoryLimit: 0x22 } as const

/** Offsets in the PCI Express capability (sections 7.5.3.6 to 7.5.3.11), and their bits. */
const LINK = {
  capabilities: 0x0c,
  status: 0x12,
  activeReporting: 1 << 20,
  active: 1 << 13,
  stateChanged: 1 << 8,
}
const SLOT = {
  ...{ capabilities: 0x14, control: 0x18, status: 0x1a },
  surprise: 1 << 5,
  capable: 1 << 6,
  noCommandCompleted: 1 << 18,
  presenceChanged: 1 << 3,
  present: 1 << 6,
  interrupts: 1 << 5,
  presenceEnable: 1 << 3,
  linkEnable: 1 << 12,
}

export interface RootPortOptions extends Omit<Partial<PciFunctionOptions>, 'at' | 'capabilities' | 'bars'> {
  at: string
  /** The number that the slot carries on the outside. */
  slot?: number
}

/**
 * A PCI Express root port with a hot-plug slot and one link: native hot-plug as `drivers/pci/hotplug/pciehp` knows it. What is plugged into
 * the slot is seen when the link is up, and that need not be at once.
 */
export class RootPort extends PciFunction {
  readonly #express: ReturnType<typeof pciExpress>
  readonly #plugged = new Map<number, PciFunction>()
  #linkIsUp = false

  constructor(options: RootPortOptions) {
    const slotCapabilities =
      SLOT.surprise | SLOT.capable | SLOT.noCommandCompleted | ((options.slot ?? 1) << 19)
    const registers: Register[] = [
      { name: 'Link Capabilities', offset: LINK.capabilities, width: 4, reset: 0x11 | LINK.activeReporting },
      { name: 'Link Status', offset: LINK.status, width: 2, reset: 0x11, clearedByOne: 0xc000 },
      { name: 'Slot Capabilities', offset: SLOT.capabilities, width: 4, reset: slotCapabilities >>> 0 },
      {
        ...{ name: 'Slot Control', offset: SLOT.control, width: 2 as const, writable: 0x1fff },
        onWrite: () => this.#driveInterrupt(),
      },
      {
        ...{ name: 'Slot Status', offset: SLOT.status, width: 2 as const, clearedByOne: 0x11f },
        onWrite: () => this.#driveInterrupt(),
      },
      { name: 'Root Control', offset: 0x1c, width: 2, writable: 0x1f },
      { name: 'Root Capabilities', offset: 0x1e, width: 2 },
      { name: 'Root Status', offset: 0x20, width: 4, clearedByOne: 0x1_0000 },
    ]
    const express = pciExpress({ type: 'root-port', registers })
    super({
      ...{ vendor: 0x1b36, device: 0x000c, class: 0x060400, interruptPin: 1 },
      ...options,
      capabilities: [express],
    })
    this.#express = express
  }

  /** Type 1: a bridge. */
  protected override header(options: PciFunctionOptions): Register[] {
    return [
      ...commonHeader(options, 1),
      ...barRegisters(this.bars),
      { name: 'Primary Bus Number', offset: 0x18, width: 1, writable: 0xff },
      { name: 'Secondary Bus Number', offset: BRIDGE.secondaryBus, width: 1, writable: 0xff },
      { name: 'Subordinate Bus Number', offset: 0x1a, width: 1, writable: 0xff },
      { name: 'Secondary Status', offset: 0x1e, width: 2, clearedByOne: 0xf900 },
      { name: 'Memory Base', offset: BRIDGE.memoryBase, width: 2, writable: 0xfff0 },
      { name: 'Memory Limit', offset: BRIDGE.memoryLimit, width: 2, writable: 0xfff0 },
      { name: 'Bridge Control', offset: 0x3e, width: 2, writable: 0x0ffb },
    ]
  }

  get secondaryBus(): number {
    return this.config.get(BRIDGE.secondaryBus, 1)
  }

  get linkIsUp(): boolean {
    return this.#linkIsUp
  }

  /** What is plugged in, whether or not the link is up. */
  get functions(): PciFunction[] {
    return [...this.#plugged.values()]
  }

  /** Who answers at a device and function number of the secondary bus. */
  behind(devfn: number): PciFunction | undefined {
    return this.#linkIsUp ? this.#plugged.get(devfn) : undefined
  }

  /** Whether a memory address is within the bridge's window. */
  forwards(address: number): boolean {
    const base = (this.config.get(BRIDGE.memoryBase, 2) & 0xfff0) * 2 ** 16
    const limit = (this.config.get(BRIDGE.memoryLimit, 2) & 0xfff0) * 2 ** 16 + 0xf_ffff
    return this.decodesMemory && base <= address && address <= limit
  }

  /** Puts functions into the slot: the guest is told of their presence, and of the link unless `linkUp` is false. */
  insert(functions: PciFunction[], { linkUp = true }: { linkUp?: boolean } = {}): void {
    for (const fn of functions) this.#plugged.set(fn.rid & 0xff, fn)
    this.#change(SLOT.status, SLOT.present, SLOT.presenceChanged)
    if (linkUp) this.setLink(true)
  }

  /** Takes out what is in the slot. */
  eject(): void {
    for (const fn of this.#plugged.values()) fn.plug(undefined)
    this.#plugged.clear()
    this.#linkIsUp = false
    this.#setLinkStatus(false)
    this.#change(SLOT.status, 0, SLOT.presenceChanged | LINK.stateChanged)
  }

  /** The link comes up, or goes. */
  setLink(up: boolean): void {
    if (up === this.#linkIsUp) return
    this.#linkIsUp = up
    this.#setLinkStatus(up)
    this.#change(SLOT.status, this.#plugged.size > 0 ? SLOT.present : 0, LINK.stateChanged)
    this.trace.record({ from: this.at, what: 'event', note: up ? 'link up' : 'link down' })
  }

  override reset(): void {
    super.reset()
    this.#setLinkStatus(this.#linkIsUp)
    this.#change(SLOT.status, this.#plugged.size > 0 ? SLOT.present : 0, 0)
  }

  get #base(): number {
    return this.placeOf(this.#express)
  }

  #setLinkStatus(up: boolean): void {
    const at = this.#base + LINK.status
    const status = this.config.get(at, 2) & ~LINK.active
    this.config.set(at, 2, up ? status | LINK.active : status)
  }

  /** Slot Status: its state now, and the events that came on top. */
  #change(offset: number, state: number, events: number): void {
    const at = this.#base + offset
    const pending = this.config.get(at, 2) & ~SLOT.present
    this.config.set(at, 2, pending | state | events)
    this.#driveInterrupt()
  }

  /** INTx is asserted while an event that has its enable bit is pending (section 6.7.3.1). */
  #driveInterrupt(): void {
    const control = this.config.get(this.#base + SLOT.control, 2)
    const status = this.config.get(this.#base + SLOT.status, 2)
    const enabled =
      (control & SLOT.presenceEnable ? SLOT.presenceChanged : 0) |
      (control & SLOT.linkEnable ? LINK.stateChanged : 0)
    this.intx = (control & SLOT.interrupts) !== 0 && (status & enabled) !== 0
  }
}
