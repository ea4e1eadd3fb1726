// SPDX-License-Identifier: Apache-2.0
import { rustV0 } from './rust-v0.ts'

/** What Rust's older mangling has for characters that no symbol may hold (`rustc_symbol_mangling`, `legacy.rs`). */
const ESCAPES: Readonly<Record<string, string>> = {
  SP: '@',
  BP: '*',
  RF: '&',
  LT: '<',
  GT: '>',
  LP: '(',
  RP: ')',
  C: ',',
}
/** The last part of a Rust path: a hash of the crate and the types. */
const RUST_HASH = /^h[0-9a-f]{16}$/

/**
 * The name of a function as its source has it. A C++ name loses its arguments; one with templates or operators stays as it is, as no kernel
 * code has any: that takes all of the Itanium ABI's grammar.
 */
export function demangle(symbol: string): string {
  if (symbol.charCodeAt(0) !== 0x5f) return symbol
  if (symbol.startsWith('_R')) return rustV0(symbol) ?? symbol
  if (!symbol.startsWith('_Z')) return symbol
  const parts = symbol.startsWith('_ZN') ? sourceNames(symbol, 3, true) : sourceNames(symbol, 2, false)
  if (!parts) return symbol
  if (!RUST_HASH.test(parts.at(-1) ?? '')) return parts.join('::')
  return parts.slice(0, -1).map(rustLegacy).join('::')
}

/** The `<length><name>` at `at`: one, or several up to an `E`. */
function sourceNames(symbol: string, at: number, nested: boolean): string[] | undefined {
  const names: string[] = []
  const length = /(\d{1,4})/y
  for (let next = at; ; ) {
    if (nested && names.length > 0 && symbol[next] === 'E') return names
    length.lastIndex = next
    const digits = length.exec(symbol)?.[1]
    if (!digits) return undefined
    const from = next + digits.length
    next = from + Number(digits)
    const name = symbol.slice(from, next)
    if (name.length !== Number(digits) || name === '') return undefined
    names.push(name)
    if (!nested) return names
  }
}

const rustLegacy = (name: string): string =>
  name
    .replace(/^_(?=\$)/, '')
    .replace(/\$(?:u([0-9a-f]{2,5})|([A-Z]{1,2}))\$/g, (whole, code?: string, letters?: string) =>
      code ? String.fromCharCode(Number.parseInt(code, 16)) : (ESCAPES[letters ?? ''] ?? whole),
    )
    .replaceAll('..', '::')
