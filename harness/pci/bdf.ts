// SPDX-License-Identifier: Apache-2.0

/** The requester ID of a BDF: bus << 8 | device << 3 | function (PCI Express Base Specification 6.0, section 2.2.6.2). */
export function requesterId(bdf: string): number {
  const match = /^([0-9a-f]{2}):([0-9a-f]{2})\.([0-7])$/i.exec(bdf)
  if (!match) throw new RangeError(`'${bdf}' is not a BDF: expected bus:device.function such as 00:01.0`)
  const [bus = 0, device = 0, fn = 0] = match.slice(1).map((part) => Number.parseInt(part, 16))
  if (device > 0x1f) throw new RangeError(`'${bdf}' is not a BDF: a bus has devices 00 to 1f`)
  return (bus << 8) | (device << 3) | fn
}

/** The BDF of a requester ID. */
export function bdfOf(rid: number): string {
  const hex = (value: number) => value.toString(16).padStart(2, '0')
  return `${hex(rid >> 8)}:${hex((rid >> 3) & 0x1f)}.${rid & 7}`
}
