// SPDX-License-Identifier: Apache-2.0

export class NotMangled extends Error {}

const BASE_62 = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ'

/** The characters of a mangled name, and how far they are read. */
export class Mangled {
  readonly #text: string
  #at = 0

  constructor(text: string) {
    this.#text = text
  }

  /** How many characters are read. */
  get at(): number {
    return this.#at
  }

  /** Reads on there. */
  seek(at: number): void {
    this.#at = at
  }

  /** The next `length` characters. */
  name(length: number): string {
    const name = this.#text.slice(this.#at, this.#at + length)
    if (name.length < length) throw new NotMangled()
    this.#at += length
    return name
  }

  base62(): number {
    const digits = this.until('_')
    let number = 0
    for (const digit of digits) number = number * 62 + BASE_62.indexOf(digit)
    return digits ? number + 1 : 0
  }

  decimal(): number {
    const digits = /^(?:0|[1-9]\d{0,4})/.exec(this.#text.slice(this.#at, this.#at + 5))?.[0]
    if (!digits) throw new NotMangled()
    this.#at += digits.length
    return Number(digits)
  }

  until(end: string): string {
    const to = this.#text.indexOf(end, this.#at)
    if (to === -1) throw new NotMangled()
    const text = this.#text.slice(this.#at, to)
    this.#at = to + 1
    return text
  }

  take(tag: string): boolean {
    if (this.#text[this.#at] !== tag) return false
    this.#at++
    return true
  }

  next(): string {
    const tag = this.#text[this.#at++]
    if (tag === undefined) throw new NotMangled()
    return tag
  }
}
