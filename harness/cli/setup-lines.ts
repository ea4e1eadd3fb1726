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

/** "[4/10] kernel 6.12": which step of how many. */
export function stepTitle({ step, label }: { step: Running['step']; label?: string | undefined }): string {
  return `[${STEPS.indexOf(step) + 1}/${STEPS.length}] ${step}${label ? ` ${label}` : ''}`
}

/** "fetched 45 MB of 153 MB (29 %)", "412 of about 1250 objects (32 %), kernel/sched/core.o". */
export function amountText({ done, total, unit }: Amount, doing?: string): string {
  const percent = total ? ` (${Math.floor((100 * done) / total)} %)` : ''
  if (unit === 'bytes')
    return `${doing ?? ''} ${prettyBytes(done)}${total ? ` of ${prettyBytes(total)}` : ''}${percent}`.trim()
  if (unit === 'packages')
    return `${doing ?? ''} ${done}${total ? ` of ${total}` : ''} packages${percent}`.trim()
  return `${done}${total ? ` of about ${total}` : ''} objects${percent}${doing ? `, ${doing}` : ''}`
}

/** "0.5s", "4.5s", "1m 12s". */
export function timeText(ms: number): string {
  return ms < 1000
    ? `${(ms / 1000).toFixed(1)}s`
    : prettyMilliseconds(ms, ms < 10_000 ? {} : { secondsDecimalDigits: 0 })
}
