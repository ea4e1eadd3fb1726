// SPDX-License-Identifier: Apache-2.0
import { isUtf8 } from 'node:buffer'
import type { RepairKind } from './repair.ts'

const NOT_ASCII = /[\x80-\xff]/
/**
 * Escape sequences as ECMA-48 has them: control sequences (`ESC [ … m`), strings with their terminator (`ESC ] … BEL`), and the short
 * ones. One whose end is missing stays.
 */
const ESCAPES =
  /\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[PX^_][^\x1b]*\x1b\\|[ -/]+[0-~]|[0-OQ-WYZ\\`-~])/g
const STRIPPED = /[\0\x1b]/

/** The text that a line's bytes (one character each) stand for: UTF-8, less escape sequences and NULs. What was done is added to `how`. */
export function textOf(bytes: string, how: RepairKind[]): string {
  let text = bytes
  if (NOT_ASCII.test(bytes)) {
    const buffer = Buffer.from(bytes, 'latin1')
    text = buffer.toString('utf8')
    if (!isUtf8(buffer)) how.push('replaced')
  }
  if (!STRIPPED.test(text)) return text
  const clean = text.replaceAll('\0', '').replace(ESCAPES, '')
  if (clean.length !== text.length) how.push('stripped')
  return clean
}
