// SPDX-License-Identifier: Apache-2.0
import { Demultiplexer, FailureScanner, isShared, type ScannedFailure, XEN } from '../console/index.ts'

/** What a log holds. */
export interface Analysis {
  lines: number
  /** In the order of their first lines. */
  failures: ScannedFailure[]
}

/** So much of a log tells whether Xen shares its wire: it prints before any domain does. Bytes. */
const PEEK = 1 << 20
const LF = 0x0a

/** Memory does not grow with the log, only with what is found in it. */
export async function analyse(bytes: AsyncIterable<Uint8Array>): Promise<Analysis> {
  const waiting: Uint8Array[] = []
  let size = 0
  let log: SharedLog | PlainLog | undefined
  const begin = () => {
    const first = Buffer.concat(waiting)
    const begun = isShared(first) ? new SharedLog() : new PlainLog()
    begun.push(first)
    return begun
  }
  for await (const chunk of bytes) {
    if (log) log.push(chunk)
    else {
      waiting.push(chunk)
      size += chunk.length
      if (size >= PEEK) log = begin()
    }
  }
  return (log ?? begin()).end()
}

const inOrder = (failures: ScannedFailure[]) => failures.sort((a, b) => a.first - b.first)

/** A log that one domain printed, or that a tool has taken apart already: the scanner knows the marks that such tools leave. */
class PlainLog {
  readonly #failures: ScannedFailure[] = []
  readonly #scanner = new FailureScanner({ found: (failure) => this.#failures.push(failure) })
  readonly #wire = new Demultiplexer({ name: 'log', shared: false, nameOf: () => '' })
  #lines = 0

  push(bytes: Uint8Array): void {
    for (const { text } of this.#wire.push(bytes, 0)) this.#line(text)
  }

  end(): Analysis {
    for (const { text } of this.#wire.end(0)) this.#line(text)
    this.#scanner.end()
    return { lines: this.#lines, failures: inOrder(this.#failures) }
  }

  #line(text: string): void {
    this.#lines++
    this.#scanner.push(text)
  }
}

/** A UART that Xen shares with domains: each has a console of its own, as on a board. Domains are named as Xen names them there. */
class SharedLog {
  readonly #failures: ScannedFailure[] = []
  readonly #scanners = new Map<string, FailureScanner>()
  readonly #wire = new Demultiplexer({
    name: 'log',
    shared: true,
    nameOf: (source) => (source === XEN ? XEN : `DOM${source}`),
  })
  /** Of the wire; the line that is being read. */
  #line = 1
  #unended = false

  /** Line by line, so that those that come out can be numbered as an editor numbers them; a line in pieces by its last one. */
  push(bytes: Uint8Array): void {
    const chunk = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    let start = 0
    for (let end = chunk.indexOf(LF); end !== -1; end = chunk.indexOf(LF, start)) {
      this.#scan(this.#wire.push(chunk.subarray(start, end + 1), 0))
      start = end + 1
      this.#line++
      this.#unended = false
    }
    if (start === chunk.length) return
    this.#scan(this.#wire.push(chunk.subarray(start), 0))
    this.#unended = true
  }

  end(): Analysis {
    this.#scan(this.#wire.end(0))
    for (const scanner of this.#scanners.values()) scanner.end()
    return { lines: this.#unended ? this.#line : this.#line - 1, failures: inOrder(this.#failures) }
  }

  #scan(lines: readonly { domain: string; text: string }[]): void {
    for (const { domain, text } of lines) this.#scannerOf(domain).push(text, this.#line)
  }

  #scannerOf(domain: string): FailureScanner {
    const known = this.#scanners.get(domain)
    if (known) return known
    const scanner = new FailureScanner({ domain, found: (failure) => this.#failures.push(failure) })
    this.#scanners.set(domain, scanner)
    return scanner
  }
}
