// SPDX-License-Identifier: Apache-2.0

/**
 * Escape sequences as ECMA-48 has them: control sequences (`ESC [ … m`), strings with their terminator (`ESC ] … BEL`), and the short
 * ones. One whose end is missing stays.
 */
const ESCAPE =
  /\x1b(?:\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(?:\x07|\x1b\\)|[PX^_][^\x1b]*\x1b\\|[ -/]+[0-~]|[0-OQ-WYZ\\`-~])/y
const BRACKET = 0x5b

/** `text` without them. Colours are common, so that theirs are read by hand. */
export function withoutEscapes(text: string): string {
  let at = text.indexOf('\x1b')
  if (at === -1) return text
  let clean = ''
  let kept = 0
  while (at !== -1) {
    const end = escapeEnd(text, at)
    if (end !== -1) {
      if (at > kept) clean += text.slice(kept, at)
      kept = end
    }
    at = text.indexOf('\x1b', end === -1 ? at + 1 : end)
  }
  return kept === 0 ? text : clean + text.slice(kept)
}

/** Where the sequence that begins at `at` ends, or -1. */
function escapeEnd(text: string, at: number): number {
  if (text.charCodeAt(at + 1) === BRACKET) {
    let end = at + 2
    let code = text.charCodeAt(end)
    while (code >= 0x30 && code <= 0x3f) code = text.charCodeAt(++end)
    while (code >= 0x20 && code <= 0x2f) code = text.charCodeAt(++end)
    // An unended one is no short sequence either: `[` begins none.
    return code >= 0x40 && code <= 0x7e ? end + 1 : -1
  }
  ESCAPE.lastIndex = at
  return ESCAPE.test(text) ? ESCAPE.lastIndex : -1
}
