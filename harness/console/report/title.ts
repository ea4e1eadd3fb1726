// SPDX-License-Identifier: Apache-2.0
import type { FailureRow } from '../catalogue/row.ts'
import { blame } from './blame.ts'

/** What a report comes to. */
export interface Conclusion {
  title: string
  /** The guilty function, where the kind has one and the report shows it. */
  frame?: string | undefined
  /** Whether the title needed a frame that the report does not show. */
  torn: boolean
}

/** Stands in a title for the frame that a torn report does not show. */
const UNKNOWN = 'corrupted'

/** What differs between two runs of one failure, and what stands for it. */
const VOLATILE: readonly [RegExp, string][] = [
  [/\+0x[0-9a-f]+(?:\/0x[0-9a-f]+)?/g, ''],
  [/\b(?:0x)?[0-9a-f]{8,16}\b/g, 'ADDR'],
  [/\b0x[0-9a-f]+\b/g, 'ADDR'],
  [/\bCPU#?\s?\d+\b/g, 'CPU'],
  [/(?<![\w.])\d+\b/g, 'NUM'],
  [/(?<=[a-z]\.)\d+\b/g, 'NUM'],
]

/** The same text for every run. */
export const stable = (text: string): string =>
  VOLATILE.reduce((said, [what, name]) => said.replace(what, name), text).trim()

/** Title and guilty frame of a report whose first line `start` matches; `texts` are its pieces, that one first. */
export function conclude(row: FailureRow, start: RegExpExecArray, texts: readonly string[]): Conclusion {
  const groups = start.groups ?? {}
  const frame = blame(row, texts, groups.fn)
  const known: Record<string, string | undefined> = {
    ...detailsOf(row, texts),
    ...groups,
    frame: frame ?? UNKNOWN,
  }
  const template =
    row.titles.find((title) => names(title).every((name) => known[name])) ?? row.titles.at(-1) ?? row.kind
  const title = template.replace(/\{(\w+)\}/g, (_, name: string) => said(name, known[name]))
  return { title, frame, torn: frame === undefined && template.includes('{frame}') }
}

const names = (title: string): string[] => [...title.matchAll(/\{(\w+)\}/g)].map((match) => match[1] ?? '')

/** Names that are the same in every run, numbers and all. */
const STABLE = new Set(['frame', 'fn', 'fns', 'domid', 'holder', 'worker'])

const said = (name: string, value = UNKNOWN): string => (STABLE.has(name) ? value : stable(value))

function detailsOf(
  { details = {} }: FailureRow,
  texts: readonly string[],
): Record<string, string | undefined> {
  const find = (pattern: RegExp) => {
    for (const text of texts.slice(1)) {
      const match = pattern.exec(text)
      if (match) return match[1]
    }
    return undefined
  }
  return Object.fromEntries(Object.entries(details).map(([name, pattern]) => [name, find(pattern)]))
}
