// SPDX-License-Identifier: Apache-2.0
/** Which of the lines that came is nearest to the one that did not: a slip in a pattern is then seen at once. */

/** Lines that are compared at most, the latest ones: the work is their characters times the pattern's. */
const COMPARED = 1000
/** A line that differs in more than this share of the pattern's literal text is no help. */
const TOO_FAR = 0.5

/** One row a kind of token of a regular expression: what literal text it stands for. The first that matches counts. */
const TOKENS: readonly [RegExp, (match: RegExpExecArray) => string][] = [
  // Classes and assertions.
  [/\\(?:[dDwWsSbB]|[pP]\{[^}]*\}|k<[^>]*>|[1-9])|\[(?:\\.|[^\]\\])*\]|[.^$]/y, () => ''],
  [/\\t/y, () => '\t'],
  [
    /\\x([0-9a-fA-F]{2})|\\u([0-9a-fA-F]{4})/y,
    ([, x, u]) => String.fromCharCode(Number.parseInt(x ?? u ?? '', 16)),
  ],
  [/\\(.)/y, ([, character]) => character ?? ''],
  // Groups, whose content counts, and quantifiers.
  [/\((?:\?(?:[:=!]|<[=!]|<[^>]*>))?|[)|]|[*+?]\??|\{\d+(?:,\d*)?\}\??/y, () => ''],
  [/./sy, ([character]) => character],
]

/** The literal text of a pattern, in its order: `host bridge \/(\w+)@` has `host bridge /@`. */
export function literalOf({ source }: RegExp): string {
  let text = ''
  for (let at = 0; at < source.length; ) {
    for (const [token, meaning] of TOKENS) {
      token.lastIndex = at
      const match = token.exec(source)
      if (!match) continue
      text += meaning(match)
      at = token.lastIndex
      break
    }
  }
  return text
}

/** The smallest edit distance of `literal` to any part of `text` (Sellers' algorithm). */
export function distanceIn(literal: string, text: string): number {
  let row = new Array<number>(text.length + 1).fill(0)
  for (let i = 1; i <= literal.length; i++) {
    const next = [i]
    for (let j = 1; j <= text.length; j++) {
      const same = literal.charCodeAt(i - 1) === text.charCodeAt(j - 1) ? 0 : 1
      const replaced = (row[j - 1] ?? 0) + same
      next.push(Math.min(replaced, (row[j] ?? 0) + 1, (next[j - 1] ?? 0) + 1))
    }
    row = next
  }
  return Math.min(...row)
}

/** The latest of the lines nearest to `pattern`; undefined if none is near. */
export function nearestLine(pattern: RegExp, lines: readonly string[]): string | undefined {
  const literal = literalOf(pattern).slice(0, 200)
  if (literal === '') return undefined
  let nearest: string | undefined
  let smallest = Math.ceil(literal.length * TOO_FAR)
  for (const line of lines.slice(-COMPARED)) {
    const distance = distanceIn(literal, line.slice(0, 400))
    if (distance > smallest) continue
    smallest = distance
    nearest = line
  }
  return nearest
}
