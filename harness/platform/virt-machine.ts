// SPDX-License-Identifier: Apache-2.0
/**
 * QEMU's `virt` machine as data: what it puts where. Source: QEMU `hw/arm/virt.c` (`base_memmap`,
 * `extended_memmap`, `a15irqmap`), and the tree that `-machine virt,dumpdtb=FILE` writes, against which
 * `test/platform/virt-machine.test.ts` holds this table. Addresses are physical, sizes in bytes.
 */

/** The versioned machine: its memory map does not change with QEMU's release. */
export const MACHINE = 'virt-11.1'

export const RAM_BASE = 0x4000_0000

export const GIC = {
  distributor: { base: 0x0800_0000, size: 0x1_0000 },
  v2m: { base: 0x0802_0000, size: 0x1000 },
  its: { base: 0x0808_0000, size: 0x2_0000 },
  redistributors: { base: 0x080a_0000, size: 0xf6_0000 },
}

/** The PL011s. With two `-serial`s both belong to the normal world. */
export const UARTS = [
  { base: 0x0900_0000, size: 0x1000, spi: 1 },
  { base: 0x0904_0000, size: 0x1000, spi: 8 },
] as const

/** 32 virtio-mmio transports, eight to a 4 KiB page. */
export const VIRTIO_MMIO = { base: 0x0a00_0000, stride: 0x200, count: 32, perPage: 8, firstSpi: 16 }

/** The PCIe host bridge (`highmem=on`): ECAM for 256 buses, and its windows. */
export const PCIE = {
  ecam: { base: 0x40_1000_0000, size: 0x1000_0000 },
  mmio: { base: 0x1000_0000, size: 0x2eff_0000 },
  mmioHigh: { base: 0x80_0000_0000, size: 0x80_0000_0000 },
  io: { base: 0x3eff_0000, size: 0x1_0000 },
  /** INTA–INTD of slot 0; slot s pin p goes to `firstSpi + (s + p - 1) mod 4`. */
  firstSpi: 3,
}

/** Generic timer: secure, non-secure, virtual, hypervisor PPIs. */
export const TIMER_PPIS = [13, 14, 11, 10]

/** Interrupt specifier flags of the GIC binding (`dt-bindings/interrupt-controller/irq.h`). */
export const IRQ_EDGE_RISING = 1
export const IRQ_LEVEL_HIGH = 4

/** First cell of a GIC interrupt specifier. */
export const SPI = 0
export const PPI = 1

export function virtioMmio(transport: number): { base: number; size: number; spi: number } {
  return {
    base: VIRTIO_MMIO.base + transport * VIRTIO_MMIO.stride,
    size: VIRTIO_MMIO.stride,
    spi: VIRTIO_MMIO.firstSpi + transport,
  }
}
