// SPDX-License-Identifier: Apache-2.0
import type { Width } from './config-space.ts'

/** A base address register's memory (PCI Express Base Specification 6.0, section 7.5.1.2.1). */
export interface Bar {
  /** Bytes: a power of two, at least 16. */
  size: number
  /** Takes two registers, and can lie above 4 GiB. */
  wide?: boolean
  prefetchable?: boolean
  /**
   * `offset` in bytes. An access of eight bytes comes as two of four, the lower half first. What the answer has beyond `width` is cut off: a guest
   * may read a byte of any register.
   */
  read(offset: number, width: Width): number | Promise<number>
  write(offset: number, width: Width, value: number): void | Promise<void>
}

type BarKind = Pick<Bar, 'size' | 'wide' | 'prefetchable'>

/** A BAR whose registers are code. What has no handler reads as zero and ignores writes. */
export function registerBar(options: BarKind & Partial<Pick<Bar, 'read' | 'write'>>): Bar {
  return { read: () => 0, write: () => {}, ...options }
}

/** A BAR that is memory: `memory`, or zeroes of its own. */
export function memoryBar(options: BarKind & { memory?: Buffer }): Bar & { memory: Buffer } {
  const { size } = options
  const memory = options.memory ?? Buffer.alloc(size)
  if (memory.length !== size)
    throw new RangeError(`a BAR of ${size} bytes needs as much memory, not ${memory.length}`)
  return {
    ...options,
    memory,
    read: (offset, width) => memory.readUIntLE(offset, width),
    write: (offset, width, value) => {
      memory.writeUIntLE(value, offset, width)
    },
  }
}

export function checkBar(index: number, bar: Bar): void {
  const { size } = bar
  if (!Number.isInteger(index) || index < 0 || index > 5)
    throw new RangeError(`there are BARs 0 to 5, and no BAR ${index}`)
  if (size < 16 || !Number.isInteger(Math.log2(size))) {
    throw new RangeError(`BAR ${index}: its size must be a power of two from 16 on, not ${size}`)
  }
  if (bar.wide && index > 4) throw new RangeError(`BAR ${index} cannot be wide: there is no BAR ${index + 1}`)
  if (!bar.wide && size > 2 ** 31) throw new RangeError(`BAR ${index}: ${size} bytes need a wide BAR`)
}
