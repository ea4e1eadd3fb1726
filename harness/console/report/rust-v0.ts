// SPDX-License-Identifier: Apache-2.0
import { Mangled, NotMangled } from './mangled.ts'

/** Deeper or longer than any symbol of a kernel: what is printed may be made to have a back reference to itself. */
const [DEEPEST, LONGEST] = [64, 1024]

const BASIC = new Map(
  'a=i8 b=bool c=char d=f64 e=str f=f32 h=u8 i=isize j=usize l=i32 m=u32 n=i128 o=u128 p=_ s=i16 t=u16 u=() v=... x=i64 y=u64 z=!'
    .split(' ')
    .map((pair) => pair.split('=') as [string, string]),
)

/** Reads a symbol; a method an element of the grammar in Rust's RFC 2603, "Rust Symbol Mangling (v0)". */
class Reader {
  readonly #symbol: Mangled
  #depth = 0
  #made = 0

  /** `symbol`: without `_R`. */
  constructor(symbol: string) {
    this.#symbol = new Mangled(symbol)
  }

  /** `value`: not in a type, where generic arguments follow `::`. */
  path(value = true): string {
    return this.#nested(() => {
      const tag = this.#symbol.next()
      switch (tag) {
        case 'C':
          return this.#identifier().name
        case 'M':
          this.#implPath()
          return `<${this.#type()}>`
        case 'X':
        case 'Y':
          if (tag === 'X') this.#implPath()
          return `<${this.#type()} as ${this.path(false)}>`
        case 'N':
          return this.#inNamespace(value)
        case 'I':
          return `${this.path(value)}${value ? '::' : ''}<${this.#list(() => this.#generic()).join(', ')}>`
        case 'B':
          return this.#backReference(() => this.path(value))
        default:
          throw new NotMangled()
      }
    })
  }

  #inNamespace(value: boolean): string {
    const namespace = this.#symbol.next()
    const within = this.path(value)
    const { name, number } = this.#identifier()
    if (namespace >= 'a' && namespace <= 'z') return `${within}::${name}`
    const what = namespace === 'C' ? 'closure' : namespace === 'S' ? 'shim' : namespace
    return `${within}::{${name ? `${what}:${name}` : what}#${number}}`
  }

  #identifier(): { name: string; number: number } {
    const number = this.#disambiguator()
    const encoded = this.#symbol.take('u')
    const length = this.#symbol.decimal()
    this.#symbol.take('_')
    const name = this.#symbol.name(length)
    return { name: encoded ? `punycode{${name}}` : name, number }
  }

  #implPath = (): void => {
    this.#disambiguator()
    this.path(false)
  }

  #disambiguator = (): number => (this.#symbol.take('s') ? this.#symbol.base62() + 1 : 0)

  #generic(): string {
    if (this.#symbol.take('L')) {
      this.#symbol.base62()
      return "'_"
    }
    return this.#symbol.take('K') ? this.#constant() : this.#type()
  }

  #type(): string {
    return this.#nested(() => {
      const tag = this.#symbol.next()
      const basic = BASIC.get(tag)
      if (basic) return basic
      switch (tag) {
        case 'A':
          return `[${this.#type()}; ${this.#constant()}]`
        case 'S':
          return `[${this.#type()}]`
        case 'T':
          return `(${this.#list(() => this.#type()).join(', ')})`
        case 'R':
        case 'Q':
          if (this.#symbol.take('L')) this.#symbol.base62()
          return `&${tag === 'Q' ? 'mut ' : ''}${this.#type()}`
        case 'P':
        case 'O':
          return `*${tag === 'P' ? 'const' : 'mut'} ${this.#type()}`
        case 'B':
          return this.#backReference(() => this.#type())
        default:
          this.#symbol.seek(this.#symbol.at - 1)
          return this.path(false)
      }
    })
  }

  #constant(): string {
    if (this.#symbol.take('p')) return '_'
    if (this.#symbol.take('B')) return this.#backReference(() => this.#constant())
    this.#type()
    const sign = this.#symbol.take('n') ? '-' : ''
    return `${sign}${BigInt(`0x0${this.#symbol.until('_')}`)}`
  }

  #list(element: () => string): string[] {
    const elements: string[] = []
    while (!this.#symbol.take('E')) elements.push(element())
    return elements
  }

  #backReference(element: () => string): string {
    const begin = this.#symbol.at - 1
    const target = this.#symbol.base62()
    if (target >= begin) throw new NotMangled()
    const { at } = this.#symbol
    this.#symbol.seek(target)
    const text = element()
    this.#symbol.seek(at)
    return text
  }

  #nested(element: () => string): string {
    if (++this.#depth > DEEPEST) throw new NotMangled()
    const text = element()
    this.#depth--
    this.#made += text.length
    if (this.#made > LONGEST * DEEPEST || text.length > LONGEST) throw new NotMangled()
    return text
  }
}

/**
 * The path that a symbol of Rust's v0 mangling stands for, without the hashes of its crates; undefined if it is none, or has types of functions
 * or of trait objects, which are not read.
 */
export function rustV0(symbol: string): string | undefined {
  if (!/^_R[A-Z]\w*$/.test(symbol)) return undefined
  try {
    return new Reader(symbol.slice(2)).path()
  } catch (error) {
    if (error instanceof NotMangled || error instanceof SyntaxError) return undefined
    throw error
  }
}
