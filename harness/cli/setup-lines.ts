// SPDX-License-Identifier: Apache-2.0
import prettyBytes from 'pretty-bytes'
import prettyMilliseconds from 'pretty-ms'
import { type ProgressEvent, STEPS } from '../../images/index.ts'

type Amount = Extract<ProgressEvent, { kind: 'advance' }>['amount']

/** What is under way, as far as its last event told. */
export interface Running {
  step: (typeof STEPS)[number]
  label?: string | undefined
  /** performance.now() of its start, ms. */
  since: number
  text: string
}

/** "[4/11] kernel 6.12": which step of how many. */
export function stepTitle({ step, label }: { step: Running['step']; label?: string | undefined }): string {
  return `[${STEPS.indexOf(step) + 1}/${STEPS.length}] ${step}${label ? ` ${label}` : ''}`
}

/** How each unit is counted: its name, and what is done and in all as text; totals other than of bytes are estimates. */
const UNITS: Record<Amount['unit'], { name: string; of: string; text: (amount: number) => string }> = {
  bytes: { name: '', of: 'of', text: (bytes) => prettyBytes(bytes) },
  files: { name: ' files', of: 'of about', text: String },
  objects: { name: ' objects', of: 'of about', text: String },
  packages: { name: ' packages', of: 'of', text: String },
}

/** "fetched 45 MB of 153 MB (29 %)", "compiled 412 of about 890 objects (46 %)". */
export function amountText({ done, total, unit }: Amount, doing?: string): string {
  const { name, of, text } = UNITS[unit]
  const amount = total
    ? `${text(done)} ${of} ${text(total)}${name} (${Math.floor((100 * done) / total)} %)`
    : `${text(done)}${name}`
  return doing ? `${doing} ${amount}` : amount
}

/** "0.5s", "4.5s", "1m 12s". */
export function timeText(ms: number): string {
  return ms < 1000
    ? `${(ms / 1000).toFixed(1)}s`
    : prettyMilliseconds(ms, ms < 10_000 ? {} : { secondsDecimalDigits: 0 })
}
