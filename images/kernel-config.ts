// SPDX-License-Identifier: Apache-2.0

/** Symbol → value ("y", "8", "0x1"; "n" for a symbol that is off) of a kernel's configuration or of a fragment. */
export type KernelConfig = Map<string, string>

/** Reads a .config or a fragment; comments count only as "is not set". */
function parseConfig(text: string): KernelConfig {
  const config: KernelConfig = new Map()
  for (const [, symbol, value, off] of text.matchAll(/^(?:(CONFIG_\w+)=(.*)|# (CONFIG_\w+) is not set)$/gm)) {
    if (symbol && value !== undefined) config.set(symbol, value.trim())
    else if (off) config.set(off, 'n')
  }
  return config
}

/** The symbols that are off in a kernel's configuration, or not known to it; modules count as on. */
export function symbolsOff(symbols: readonly string[], config: string): string[] {
  const got = parseConfig(config)
  return symbols.filter((symbol) => (got.get(symbol) ?? 'n') === 'n')
}

/** Fragments merged into one, the later ones winning, one symbol a line in sorted order. */
export function mergeFragments(fragments: readonly string[]): string {
  const merged: KernelConfig = new Map(fragments.flatMap((text) => [...parseConfig(text)]))
  return [...merged]
    .map(([symbol, value]) => `${symbol}=${value}\n`)
    .sort()
    .join('')
}

/** The symbols that did not come out as the fragment asks: Kconfig drops what depends on something else without a word. */
export function unmetSymbols(fragment: string, config: string): string[] {
  const got = parseConfig(config)
  return [...parseConfig(fragment)]
    .filter(([symbol, value]) => (got.get(symbol) ?? 'n') !== value)
    .map(([symbol, value]) => `${symbol}: asked ${value}, got ${got.get(symbol) ?? 'n'}`)
}
