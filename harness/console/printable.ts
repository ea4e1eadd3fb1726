// SPDX-License-Identifier: Apache-2.0

/** Control characters but for tab and newline, other line ends, and what turns the direction of writing (Unicode's Bidi_Control). */
export const CONTROL =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069]/g

/** What a guest printed, so that a terminal interprets none of it: control characters (all but tab and newline) as `\xNN` or `\uNNNN`. */
export function printable(text: string): string {
  return text.replace(CONTROL, (character) => {
    const code = character.charCodeAt(0).toString(16)
    return code.length > 2 ? `\\u${code.padStart(4, '0')}` : `\\x${code.padStart(2, '0')}`
  })
}
