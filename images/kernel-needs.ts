// SPDX-License-Identifier: Apache-2.0
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { symbolsOff } from './kernel-config.ts'
import type { Kernel } from './types.ts'

/** Why a kernel is not one that has these symbols (`CONFIG_KASAN`, …) on; undefined if it is. */
export async function lacking(kernel: Kernel, symbols: readonly string[]): Promise<string | undefined> {
  if (symbols.length === 0) return undefined
  if (!kernel.buildTree) {
    return `whether the kernel ${kernel.label} has ${symbols.join(', ')} is not known: there is no build tree around it`
  }
  const off = symbolsOff(symbols, await readFile(join(kernel.buildTree, '.config'), 'utf8'))
  return off.length > 0 ? `the kernel ${kernel.label} has no ${off.join(', ')}` : undefined
}
