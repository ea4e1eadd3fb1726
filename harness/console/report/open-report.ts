// SPDX-License-Identifier: Apache-2.0
import type { FailureRow } from '../catalogue/row.ts'
import type { Failure } from '../problems.ts'
import { hasHole, isLast, looksLikeReport } from './belongs.ts'
import type { Piece } from './pieces.ts'
import { conclude } from './title.ts'

/** A report that goes on for longer is cut: memory stays bounded. Pieces of lines. */
const LONGEST = 2000
/** So many lines that do not look like a report, and it is over. */
const GAP = 24
/** So many lines after its last one a report may still be gone on with: a panic follows. */
const LINGER = 12

/** A failure of a log, and where its report stands. */
export interface ScannedFailure extends Failure {
  verdict: FailureRow['verdict']
  /** Numbers of the report's first and last line in the log, from 1 on. */
  first: number
  last: number
}

interface Line {
  number: number
  raw: string
}

/** A report while its lines come. */
export class OpenReport {
  readonly row: FailureRow
  readonly #caller: string
  readonly #source: string | undefined
  readonly #start: RegExpExecArray
  readonly #domain: string
  readonly #texts: string[]
  readonly #lines: Line[]
  /** How many of the lines are certain. */
  #certain: number
  #foreign = 0
  #hole = false
  #ended = false

  constructor(
    found: { row: FailureRow; start: RegExpExecArray },
    piece: Piece,
    domain: string,
    lines: Line[],
  ) {
    this.row = found.row
    this.#start = found.start
    this.#caller = piece.caller
    this.#source = piece.source
    this.#domain = domain
    this.#texts = [piece.text]
    this.#lines = lines
    this.#certain = lines.length
    this.#hole = hasHole(lines.at(-1)?.raw ?? '')
  }

  get over(): boolean {
    return this.#texts.length > LONGEST || this.#foreign > (this.#ended ? LINGER : GAP)
  }

  /** Whether a line that a row begins with goes on with this report. */
  isContinuedBy(row: FailureRow): boolean {
    return row.continues?.some((kind) => kind === '*' || kind === this.row.kind) ?? false
  }

  /** Whether a piece can be of this report. */
  isBy({ caller, source }: Piece): boolean {
    return source === this.#source && (this.row.shared || caller === this.#caller)
  }

  /** It goes on, whatever had looked like its end. */
  resume(piece: Piece, line: Line): void {
    this.#ended = false
    this.add(piece, line)
  }

  add(piece: Piece, line: Line): void {
    if (this.#ended) {
      this.#foreign++
      return
    }
    const { text } = piece
    if (this.#lines.at(-1)?.number !== line.number) {
      this.#lines.push(line)
      this.#hole ||= hasHole(line.raw)
    }
    this.#texts.push(text)
    if ((this.#caller !== '' && !this.row.shared) || looksLikeReport(text)) {
      if (text.trim()) this.#certain = this.#lines.length
      this.#foreign = 0
    } else this.#foreign++
    const end = this.row.end ?? /^-+\[ end trace/
    if (end.test(text)) this.#ended = true
    if (isLast(text)) {
      this.#ended = true
      this.#foreign = LINGER + 1
    }
  }

  /** A line passed that is not of this report. */
  pass(): void {
    this.#foreign++
  }

  conclude(): ScannedFailure {
    const lines = this.#lines.slice(0, this.#certain)
    const { title, frame, torn } = conclude(this.row, this.#start, this.#texts)
    return {
      kind: this.row.kind,
      title,
      domain: this.#domain,
      frame,
      complete: !torn && !this.#hole,
      verdict: this.row.verdict,
      first: lines[0]?.number ?? 0,
      last: lines.at(-1)?.number ?? 0,
      report: lines.map(({ raw }) => raw),
    }
  }
}
