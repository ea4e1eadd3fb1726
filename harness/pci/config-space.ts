// SPDX-License-Identifier: Apache-2.0
/** A function's configuration space: PCI Express Base Specification 6.0, section 7.5; PCI Local Bus Specification 3.0, section 6. */

/** Bytes of an access: what the guest's load or store had. */
export type Width = 1 | 2 | 4

/** A write to a register, after the read-only bits were put back. */
export interface RegisterWrite {
  /** What the register holds now. */
  value: number
  previous: number
  /** The bits of the bytes that the access covered: 0xffff_ffff when all of a dword was written at once. */
  enables: number
  /** What the access brought for those bytes, read-only bits and all. */
  written: number
}

/** One register. All numbers are unsigned, the bits as the register's width has them. */
export interface Register {
  /** As the specification names it. */
  name: string
  /** Bytes from the start of the structure that it belongs to. */
  offset: number
  width: Width
  /** Its value after a reset; default 0. */
  reset?: number
  /** Bits that software can write; default none. */
  writable?: number
  /** Bits that writing a 1 clears (RW1C); default none. */
  clearedByOne?: number
  /** What a read gives instead of what is held. */
  onRead?: (held: number) => number
  onWrite?: (write: RegisterWrite) => void
}

/** All ones, which a read gives where nobody answers. */
export const ALL_ONES = (width: Width): number => 0xffff_ffff >>> (32 - 8 * width)

export class ConfigSpace {
  /** Bytes: 4096 for a function with extended capabilities, else 256. */
  readonly size: number
  readonly #held: Buffer
  readonly #reset: Buffer
  readonly #writable: Buffer
  readonly #clearedByOne: Buffer
  /** The registers that do something, by each of their dwords. */
  readonly #acting = new Map<number, Register[]>()

  constructor(size: 256 | 4096) {
    this.size = size
    this.#held = Buffer.alloc(size)
    this.#reset = Buffer.alloc(size)
    this.#writable = Buffer.alloc(size)
    this.#clearedByOne = Buffer.alloc(size)
  }

  /** Adds registers, their offsets counted from `base`. They begin with their reset values. */
  add(registers: readonly Register[], base = 0): void {
    for (const register of registers) {
      const offset = base + register.offset
      const { width } = register
      if (offset < 0 || offset % width !== 0 || offset + width > this.size) {
        throw new RangeError(`the register ${register.name} does not fit at 0x${offset.toString(16)}`)
      }
      put(this.#reset, offset, width, register.reset ?? 0)
      put(this.#held, offset, width, register.reset ?? 0)
      put(this.#writable, offset, width, register.writable ?? 0)
      put(this.#clearedByOne, offset, width, register.clearedByOne ?? 0)
      if (!register.onRead && !register.onWrite) continue
      const dword = offset & ~3
      this.#acting.set(dword, [...(this.#acting.get(dword) ?? []), { ...register, offset }])
    }
  }

  /** What is held, no side effects: for the model itself. */
  get(offset: number, width: Width): number {
    return take(this.#held, offset, width)
  }

  /** Changes what is held, read-only bits too: for the model itself. */
  set(offset: number, width: Width, value: number): void {
    put(this.#held, offset, width, value)
  }

  /** A read by software. An access that crosses a dword is two. */
  read(offset: number, width: Width): number {
    let value = take(this.#held, offset, width)
    for (const register of this.#actingIn(offset, width)) {
      if (!register.onRead) continue
      const given = register.onRead(take(this.#held, register.offset, register.width))
      value = overlay(value, offset, width, given, register)
    }
    return value
  }

  /** A write by software. */
  write(offset: number, width: Width, value: number): void {
    const acting = this.#actingIn(offset, width).filter(({ onWrite }) => onWrite)
    const before = acting.map((register) => take(this.#held, register.offset, register.width))
    for (let byte = 0; byte < width; byte++) {
      const at = offset + byte
      if (at >= this.size) break
      const written = (value >>> (8 * byte)) & 0xff
      const writable = this.#writable[at] as number
      const clears = (this.#clearedByOne[at] as number) & written
      const held = this.#held[at] as number
      this.#held[at] = ((held & ~writable) | (written & writable)) & ~clears
    }
    for (const [index, register] of acting.entries()) {
      const whole = overlay(0, register.offset, register.width, value, { offset, width })
      const enables = overlay(0, register.offset, register.width, 0xffff_ffff, { offset, width })
      register.onWrite?.({
        value: take(this.#held, register.offset, register.width),
        previous: before[index] as number,
        enables,
        written: whole,
      })
    }
  }

  /** Everything back to its reset value. */
  reset(): void {
    this.#reset.copy(this.#held)
  }

  /** A copy of `length` bytes as software would read them, but without side effects. */
  copy(offset: number, length: number): Buffer {
    return Buffer.from(this.#held.subarray(offset, offset + length))
  }

  #actingIn(offset: number, width: Width): Register[] {
    const first = this.#acting.get(offset & ~3) ?? []
    const second = (offset & 3) + width > 4 ? (this.#acting.get((offset & ~3) + 4) ?? []) : []
    if (first.length === 0 && second.length === 0) return first
    return [...first, ...second].filter(
      (register) => register.offset < offset + width && offset < register.offset + register.width,
    )
  }
}

function take(bytes: Buffer, offset: number, width: Width): number {
  let value = 0
  for (let byte = width - 1; byte >= 0; byte--) value = value * 256 + (bytes[offset + byte] ?? 0)
  return value
}

function put(bytes: Buffer, offset: number, width: Width, value: number): void {
  for (let byte = 0; byte < width; byte++) bytes[offset + byte] = (value >>> (8 * byte)) & 0xff
}

/** `value`, `width` bytes at `offset`, with those bytes replaced that `part` also covers by what `part` has there. */
function overlay(
  value: number,
  offset: number,
  width: Width,
  part: number,
  place: { offset: number; width: Width },
): number {
  let result = value
  for (let byte = 0; byte < width; byte++) {
    const from = offset + byte - place.offset
    if (from < 0 || from >= place.width) continue
    const bits = ((part >>> (8 * from)) & 0xff) << (8 * byte)
    result = ((result & ~(0xff << (8 * byte))) | bits) >>> 0
  }
  return result
}
