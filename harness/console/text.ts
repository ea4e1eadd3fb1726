// SPDX-License-Identifier: Apache-2.0
import { isUtf8 } from 'node:buffer'
import { withoutEscapes } from './escapes.ts'
import type { RepairKind } from './repair.ts'
import { fromUtf8 } from './utf8.ts'

/** The text that a line's bytes (one character each) stand for: UTF-8, less escape sequences and NULs. What was done is added to `how`. */
export function textOf(bytes: string, how: RepairKind[]): string {
  let text = fromUtf8(bytes)
  if (text === undefined) {
    const buffer = Buffer.from(bytes, 'latin1')
    text = buffer.toString('utf8')
    if (!isUtf8(buffer)) how.push('replaced')
  }
  const clean = withoutEscapes(text.includes('\0') ? text.replaceAll('\0', '') : text)
  if (clean.length !== text.length) how.push('stripped')
  return clean
}
