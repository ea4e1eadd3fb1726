// SPDX-License-Identifier: Apache-2.0

/** Ctrl-], as in telnet and `xl console`. */
export const ESCAPE = 0x1d

/** What a person wants of the harness. */
export type Action =
  | { kind: 'next' }
  | { kind: 'console'; number: number }
  | { kind: 'help' }
  | { kind: 'quit' }

/** Bytes for the guest, or an action, in the order in which they were typed. */
export type Typed = { kind: 'input'; bytes: Buffer } | Action

const ACTIONS: Record<string, Action> = {
  n: { kind: 'next' },
  '?': { kind: 'help' },
  h: { kind: 'help' },
  q: { kind: 'quit' },
  ...Object.fromEntries(
    Array.from({ length: 9 }, (_, index) => [String(index + 1), { kind: 'console', number: index + 1 }]),
  ),
}

/** Tells what is for the harness from what is for the guest. A key that means nothing after Ctrl-] shows the help. */
export class EscapeKeys {
  #escaped = false

  push(bytes: Uint8Array): Typed[] {
    const typed: Typed[] = []
    let input: number[] = []
    const flush = () => {
      if (input.length) typed.push({ kind: 'input', bytes: Buffer.from(input) })
      input = []
    }
    for (const byte of bytes) {
      if (!this.#escaped && byte === ESCAPE) {
        this.#escaped = true
        continue
      }
      if (!this.#escaped || byte === ESCAPE) input.push(byte)
      else {
        flush()
        typed.push(ACTIONS[String.fromCharCode(byte)] ?? { kind: 'help' })
      }
      this.#escaped = false
    }
    flush()
    return typed
  }
}
