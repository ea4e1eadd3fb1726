// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { HostProblem } from '../../images/index.ts'
import { guarded } from '../board/index.ts'
import { LINES, type Line } from './milestones.ts'

/** A bare run that has not printed its last line after this long, in ms, never will. */
const LONGEST = 90_000

/**
 * Runs `reproduce.sh` of a run's folder until its console, on standard output, has printed all of `lines`, then kills it. What
 * comes back is when each came, in ms since exec.
 *
 * The reader is `grep`, which costs next to nothing: QEMU hands out a console character by character, and Node.js would spend
 * on it the processor time that is to be measured.
 *
 * @throws HostProblem when a line does not come.
 */
export async function runBare(dir: string, lines: readonly Line[]): Promise<Partial<Record<Line, number>>> {
  const patterns = lines.flatMap((line) => ['-e', LINES[line]])
  const grep = ['grep', '--text', '--line-buffered', '--fixed-strings', `--max-count=${lines.length}`]
  const reader = start([...grep, ...patterns], { stdio: ['pipe', 'pipe', 'ignore'] })
  const startedAt = performance.now()
  const machine = start([join(dir, 'reproduce.sh')], { stdio: ['ignore', reader.stdin, 'pipe'] })
  // The reader's input belongs to QEMU alone, so that it ends with it.
  reader.stdin?.destroy()
  let complaint = ''
  machine.stderr?.setEncoding('utf8').on('data', (text: string) => {
    complaint = (complaint + text).slice(-2000)
  })
  const times: Partial<Record<Line, number>> = {}
  reader.stdout?.setEncoding('utf8').on('data', (text: string) => {
    const at = performance.now() - startedAt
    for (const line of lines) if (text.includes(LINES[line])) times[line] ??= at
  })
  const deadline = setTimeout(() => machine.kill('SIGKILL'), LONGEST)
  await closed(reader)
  clearTimeout(deadline)
  machine.kill('SIGKILL')
  await closed(machine)
  const missing = lines.filter((line) => times[line] === undefined)
  if (missing.length === 0) return times
  throw new HostProblem(
    `bare QEMU did not print: ${missing.map((line) => LINES[line]).join(', ')}\n${complaint.trim()}`.trim(),
    `Run ${join(dir, 'reproduce.sh')} by hand (with --out DIR the folder stays).`,
  )
}

interface Wiring {
  stdio: ['pipe' | 'ignore', 'pipe' | ChildProcess['stdin'], 'pipe' | 'ignore']
}

function start(command: string[], { stdio }: Wiring): ChildProcess {
  const [file = '', ...args] = guarded(command)
  return spawn(file, args, { stdio })
}

const closed = async (child: ChildProcess): Promise<void> => {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'close')
}
