// SPDX-License-Identifier: Apache-2.0
/** What had to be done to the bytes of a wire to get a line, and how sure it is that a domain printed that line so. */

/** From the surest to the least sure. */
const SURENESS = ['certain', 'likely', 'doubtful'] as const
export type Sureness = (typeof SURENESS)[number]

/** One row a kind of repair: how sure the line is after it. */
const REPAIRS = {
  /** Pieces of a line that Xen cut were joined: the length of a full piece says that another one follows. */
  joined: 'certain',
  /** Two pieces were joined although the first may have been whole: its length alone does not say. */
  'joined by guess': 'likely',
  /** Lines of others stood in its middle; they were taken out. */
  untorn: 'likely',
  /** It stood in the middle of another's line, from which it was taken out. */
  'cut out': 'likely',
  /** A part of a line too long to be kept whole: the rest is in the lines before or after it. */
  part: 'certain',
  /** Its end never came. */
  unended: 'likely',
  /** Bytes that are no UTF-8 became U+FFFD. */
  replaced: 'likely',
  /** Escape sequences or NULs were taken out. */
  stripped: 'certain',
  /** Nothing on the wire says who printed it; this is who usually prints such lines there. */
  unmarked: 'likely',
  /** It carries a mark of Xen's, but a domU had the input focus, whose lines carry the same one. */
  'in focus': 'likely',
  /** It could as well belong to somebody else, or hold something of somebody else's. */
  mixed: 'doubtful',
} as const satisfies Record<string, Sureness>

export type RepairKind = keyof typeof REPAIRS

export interface Repair {
  how: RepairKind[]
  /** How sure it is that the domain printed this text so. */
  sure: Sureness
  /**
   * Where its own bytes are in the wire's, marks included, if others' stand between them: [from, to) each. A line that printk tore, and
   * printk's in its middle, both have the whole.
   */
  spans?: readonly [number, number][]
}

/** `how`: what was done, in any order and as often as it was. */
export function repairOf(how: readonly RepairKind[], spans: readonly [number, number][] = []): Repair {
  const kinds: RepairKind[] = []
  let rank = 0
  for (const kind of how) {
    rank = Math.max(rank, SURENESS.indexOf(REPAIRS[kind]))
    if (!kinds.includes(kind)) kinds.push(kind)
  }
  const sure = SURENESS[rank] ?? 'doubtful'
  return spans.length > 1 ? { how: kinds, sure, spans } : { how: kinds, sure }
}
