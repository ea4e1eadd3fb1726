// SPDX-License-Identifier: Apache-2.0
import type { FailureRow } from './row.ts'

/** printk's stamp at the start of a line, as most lines have it. */
const STAMP = /\[ *\d+\.\d+\](?:\[[^\]]*\])? ?/y

/**
 * A quick test for lines that may begin a report; it is what makes a long log cheap. Where nothing but printk's stamp stands before the text,
 * only the text's first characters are looked at; on other lines, the rows' words are looked for.
 */
export function suspicionOf(rows: readonly FailureRow[]): (line: string) => boolean {
  const anchored = rows.filter(({ start }) => start.source.startsWith('^'))
  const anywhere = [...new Set(rows.filter((row) => !anchored.includes(row)).map(({ word }) => word))]
  const beginning = new RegExp(
    anchored.map(({ start }) => `(?:${nameless(start.source.slice(1))})`).join('|'),
    'iy',
  )
  const words = new RegExp([...new Set(rows.map(({ word }) => word))].map(escaped).join('|'))
  return (line) => {
    STAMP.lastIndex = 0
    if (!STAMP.test(line) || hasAnotherStamp(line, STAMP.lastIndex)) return words.test(line)
    beginning.lastIndex = STAMP.lastIndex
    return beginning.test(line) || anywhere.some((word) => line.includes(word))
  }
}

/** `[` before a blank or a digit: another message may have been printed on the same line. */
function hasAnotherStamp(line: string, from: number): boolean {
  for (let at = line.indexOf('[', from + 1); at >= 0; at = line.indexOf('[', at + 1)) {
    const next = line.charCodeAt(at + 1)
    if (next === 0x20 || (next >= 0x30 && next <= 0x39)) return true
  }
  return false
}

/** Groups of several rows have the same names, which one expression cannot have. */
const nameless = (source: string): string => source.replace(/\(\?<\w+>/g, '(?:')

const escaped = (word: string): string => word.replace(/[.*+?^${}()|[\]\\]/g, '\\$&')
