// SPDX-License-Identifier: Apache-2.0
import { CATALOGUE, type FailureRow, rowOf, suspicionOf } from '../catalogue/index.ts'
import { XEN } from '../line.ts'
import { isOpening } from './belongs.ts'
import { OpenReport, type ScannedFailure } from './open-report.ts'
import { type Piece, piecesOf } from './pieces.ts'
import { Reboots } from './reboots.ts'

/**
 * So much of a line is looked at, in characters, and goes into a report: several times what printk puts into one (`PRINTK_MESSAGE_MAX`,
 * 2048, in the kernel's `kernel/printk/internal.h`). Longer ones are programs', and could be made to cost any time.
 */
const LONGEST_LINE = 8192
/** How many lines above a report's first one its opening may stand. */
const BEFORE = 4

export interface ScannerOptions {
  /** Whose console it is; what a line says of its source (`(XEN) `, `DOM1`) goes before. Without it any row is tried. */
  domain?: string | undefined
  /** A report's first line has come. */
  begun?: (() => void) | undefined
  /** A report is whole. They come in the order of their ends. */
  found: (failure: ScannedFailure) => void
}

/**
 * Finds the failures in the lines of a console, as they come: the memory it takes does not grow with the log. Reports that several callers of
 * printk print at the same time are collected side by side.
 */
export class FailureScanner {
  readonly #options: ScannerOptions
  readonly #rows: readonly FailureRow[]
  readonly #mayBegin: (line: string) => boolean
  readonly #reboots = new Reboots()
  #open: OpenReport[] = []
  #number = 0
  /** The last lines and their numbers, in a ring: every line goes through here. */
  readonly #before: string[] = []
  readonly #beforeNumbers: number[] = []
  #seen = 0

  constructor(options: ScannerOptions) {
    this.#options = options
    const { domain } = options
    this.#rows =
      domain === undefined ? CATALOGUE : CATALOGUE.filter(({ by }) => (by === 'xen') === (domain === XEN))
    this.#mayBegin = suspicionOf(this.#rows)
  }

  /** A report has begun and is not over. */
  get collecting(): boolean {
    return this.#open.length > 0
  }

  /** `number`: the line's in its log, where lines of others are between. */
  push(printed: string, number = this.#number + 1): void {
    const line = printed.length > LONGEST_LINE ? printed.slice(0, LONGEST_LINE) : printed
    this.#number = number
    if (this.#open.length > 0 || this.#mayBegin(line)) {
      for (const piece of piecesOf(line)) this.#piece(piece, line)
      if (this.#open.length > 0) this.#closeWhere((report) => report.over)
    }
    if (this.#reboots.isReboot(line)) this.#rebooted(line)
    const slot = this.#seen++ % BEFORE
    this.#before[slot] = line
    this.#beforeNumbers[slot] = number
  }

  /** No more lines come, or none for so long that what is open is over. */
  end(): void {
    this.#closeWhere(() => true)
  }

  #piece(piece: Piece, raw: string): void {
    const line = { number: this.#number, raw }
    const open = this.#open.find((report) => report.isBy(piece))
    const found = rowOf(this.#rows, piece.text)
    if (found && open?.isContinuedBy(found.row)) open.resume(piece, line)
    else if (found) this.#begin(found, piece, line)
    else open?.add(piece, line)
    for (const report of this.#open) if (report !== open) report.pass()
  }

  #begin(
    found: { row: FailureRow; start: RegExpExecArray },
    piece: Piece,
    line: { number: number; raw: string },
  ): void {
    this.#closeWhere((report) => report.isBy(piece))
    const lines = [...this.#openingOf(found.row, piece), line]
    const domain = piece.source ?? this.#options.domain ?? ''
    this.#open.push(new OpenReport(found, piece, domain, lines))
    this.#reboots.announced ||= found.row.kind === 'panic'
    this.#options.begun?.()
  }

  /** The line above a report that is its own, if others' lines did not push it too far away. */
  #openingOf(row: FailureRow, { caller, source }: Piece): { number: number; raw: string }[] {
    const isIts = ({ text, ...by }: Piece) =>
      by.caller === caller && by.source === source && text.trim() !== ''
    const opens = (text: string) => isOpening(text) || row.opening?.test(text)
    for (let at = this.#seen - 1; at >= Math.max(0, this.#seen - BEFORE); at--) {
      const raw = this.#before[at % BEFORE] ?? ''
      const its = piecesOf(raw).filter(isIts)
      if (its.length === 0) continue
      return its.some(({ text }) => opens(text))
        ? [{ number: this.#beforeNumbers[at % BEFORE] ?? 0, raw }]
        : []
    }
    return []
  }

  #closeWhere(isOver: (report: OpenReport) => boolean): void {
    const over = this.#open.filter(isOver)
    if (over.length === 0) return
    this.#open = this.#open.filter((report) => !over.includes(report))
    for (const report of over) this.#options.found(report.conclude())
  }

  #rebooted(line: string): void {
    this.end()
    this.#options.begun?.()
    this.#options.found({
      kind: 'silent-reboot',
      title: 'unexpected kernel reboot',
      domain: this.#options.domain ?? '',
      complete: true,
      verdict: 'crash',
      first: this.#number,
      last: this.#number,
      report: [line],
    })
  }
}

/** All the failures of a log, in the order of their first lines. */
export function failuresOf(lines: Iterable<string>, domain?: string): ScannedFailure[] {
  const failures: ScannedFailure[] = []
  const scanner = new FailureScanner({ domain, found: (failure) => failures.push(failure) })
  for (const line of lines) scanner.push(line)
  scanner.end()
  return failures.sort((a, b) => a.first - b.first)
}
