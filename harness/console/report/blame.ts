// SPDX-License-Identifier: Apache-2.0
import type { FailureRow, FrameSource } from '../catalogue/row.ts'
import { bare, type Frame, frameOf, titleName } from './frames.ts'
import { isDispatcher, isInnocent, isInterrupt, waitForProcessors } from './guilt.ts'

/** A trace in a report that does not say where it failed but what was before: who allocated, who took the lock first. */
const ASIDE =
  /^(?:(?:INFO: )?(?:Allocated|Freed) (?:by|in)\b|Uninit was (?:created|stored)|Last potentially related|Second to last potentially|page_owner tracks|page (?:last )?(?:allocated|free)|\s*-> #\d+ |.*which became [\w-]+ at:|.*(?:registered|state was registered) at:|.*enabled at |hardirqs last|softirqs last|.*allocated by task|.*freed by task|.*last allocated via|.*last free .*stack trace|Local variable|.*to a (?:\S+-)?irq-unsafe lock|and .* created at|the dependencies between|\(?.*\) ops: \d+|Object allocated|rcu_\w+ kthread stack dump|RCU grace-period kthread stack dump|kthread starved|Tainted)/i
/** What begins the trace of the failure itself. */
const MAIN =
  /^(?:\s*[0-9a-f]{16})*\s*(?:<\/?\w+>\s*|[0-9a-f]{16})?(?:Call Trace|Backtrace|Stack backtrace|backtrace|Stack trace|NMI backtrace for cpu \d+)\b/i
const AFTER_MAIN = /^(?:---\[ end trace|RIP: 0033)/

interface Marked extends Frame {
  /** Of a trace that does not say where it failed but what was before. */
  aside: boolean
  trace: number
}

/** The frames of a report that tell where it failed, in their order; each trace has a number. */
function framesOf(texts: readonly string[]): Marked[] {
  const frames: Marked[] = []
  let aside = false
  let trace = 0
  for (const text of texts) {
    if (MAIN.test(text)) {
      aside = false
      trace++
    } else if (ASIDE.test(text)) aside = true
    else if (AFTER_MAIN.test(text)) trace++
    const frame = frameOf(text)
    if (!frame) continue
    frames.push({ ...frame, trace, aside: aside && !frame.ip })
    if (frame.ip) aside = false
  }
  return frames
}

/** Where the lock was asked for that lockdep stumbled over: the first `at:` (print_lock() in kernel/locking/lockdep.c). */
/** A line of the list of locks that are held. */
const HELD = /^\s*#\d+:/
const LOCK_AT = /, at: (?:\[<[^>]*>\] )?([\w.$]+)\+0x/

type IsGuilty = (fn: string) => boolean

const SOURCES: Record<
  FrameSource,
  (isGuilty: IsGuilty, texts: readonly string[], fn?: string) => string | undefined
> = {
  header: (isGuilty, _texts, fn) => (fn && isGuilty(bare(fn)) ? bare(fn) : undefined),
  lock: (isGuilty, texts) => {
    const at = texts.map((text) => (HELD.test(text) ? undefined : LOCK_AT.exec(text)?.[1])).find(Boolean)
    return at && isGuilty(bare(at)) && !isDispatcher(at) ? bare(at) : undefined
  },
  below: (isGuilty, texts) => mainFrames(texts).find(({ fn, trace }) => trace === 0 && isGuilty(fn))?.fn,
  trace: (isGuilty, texts) => firstTrace(mainFrames(texts)).find(({ fn }) => isGuilty(fn))?.fn,
  aside: (isGuilty, texts) => framesOf(texts).find(({ fn, aside }) => aside && isGuilty(fn))?.fn,
  dispatched: (isGuilty, texts) => dispatched(mainFrames(texts), isGuilty),
}

const mainFrames = (texts: readonly string[]): Marked[] => framesOf(texts).filter(({ aside }) => !aside)

/** The first trace that has frames, and the program counter above it: what comes later is of another stack. */
function firstTrace(frames: readonly Marked[]): Marked[] {
  const first = frames.find(({ ip, trace }) => !ip && trace > 0)?.trace
  if (first === undefined) return [...frames]
  return frames.filter(({ ip, trace }) => trace <= first && (ip || trace > 0))
}

function dispatched(frames: readonly Marked[], isGuilty: IsGuilty): string | undefined {
  let called: Marked | undefined
  for (const frame of frames) {
    const waiting = waitForProcessors(frame.fn)
    if (waiting) return waiting
    if (isInterrupt(frame.fn) || (called && called.trace !== frame.trace)) called = undefined
    if (isDispatcher(frame.fn)) {
      if (called) return called.fn
    } else if (isGuilty(frame.fn)) called = frame
    if (called && frame.caller && isDispatcher(frame.caller)) return called.fn
  }
  return undefined
}

/** The function to blame for a report; `fn` is what its first line names. */
export function blame(row: FailureRow, texts: readonly string[], fn?: string): string | undefined {
  for (const lastResort of [false, true]) {
    const isGuilty = (name: string) =>
      !isInnocent(name, lastResort) && (lastResort || !row.innocent?.test(name))
    for (const source of row.frames ?? (['trace'] satisfies FrameSource[])) {
      const found = SOURCES[source](isGuilty, texts, fn)
      if (found) return titleName(found)
    }
  }
  return undefined
}
