// SPDX-License-Identifier: Apache-2.0
import { CONTROL } from './printable.ts'

/** JSON of what a guest printed, so that a terminal that shows it interprets none of it: what JSON itself leaves as it is is escaped as well. */
export function plainJson(value: unknown): string {
  const text = JSON.stringify(value, undefined, 2)
  return text.replace(CONTROL, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`)
}
