// SPDX-License-Identifier: Apache-2.0

/** More than so many characters that are no ASCII, and the runtime's own decoder is faster. */
const MOST = 32
/** The smallest code point that takes as many bytes (RFC 3629): a shorter way to write it is no UTF-8. */
const [SMALLEST_OF_2, SMALLEST_OF_3, SMALLEST_OF_4, LARGEST] = [0x80, 0x800, 0x10000, 0x10ffff]

/**
 * The text of UTF-8 bytes, one character each; undefined if they are no UTF-8, or if it is not worth while by hand: for the few characters
 * of a console's line, it is several times as fast as a Buffer.
 */
export function fromUtf8(bytes: string): string | undefined {
  let at = firstHigh(bytes, 0)
  if (at === -1) return bytes
  let text = ''
  let kept = 0
  for (let count = 0; at !== -1; count++) {
    const first = bytes.charCodeAt(at)
    const length = first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4
    const code = codeAt(bytes, at, first, length)
    if (code === -1 || count === MOST) return undefined
    text += bytes.slice(kept, at) + String.fromCodePoint(code)
    kept = at + length
    at = firstHigh(bytes, kept)
  }
  return text + bytes.slice(kept)
}

function firstHigh(bytes: string, from: number): number {
  for (let at = from; at < bytes.length; at++) if (bytes.charCodeAt(at) > 0x7f) return at
  return -1
}

/** The code point of the character at `at`, or -1. */
function codeAt(bytes: string, at: number, first: number, length: number): number {
  if (first < 0xc2 || first > 0xf4) return -1
  let code = first & (0x7f >> length)
  for (let next = at + 1; next < at + length; next++) {
    const byte = bytes.charCodeAt(next)
    // Past the end it is NaN.
    if (!(byte >= 0x80 && byte < 0xc0)) return -1
    code = (code << 6) | (byte & 0x3f)
  }
  const smallest = length === 2 ? SMALLEST_OF_2 : length === 3 ? SMALLEST_OF_3 : SMALLEST_OF_4
  const surrogate = code >= 0xd800 && code <= 0xdfff
  return code < smallest || code > LARGEST || surrogate ? -1 : code
}
