// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { diskFull, HostProblem, Interrupted, ToolFailed } from './problem.ts'

export interface RunOptions {
  cwd?: string
  env?: Record<string, string>
  signal?: AbortSignal | undefined
  /** Called with every line of standard output, as it comes. */
  onLine?: (line: string) => void
}

/**
 * A tool and all that it starts form one process group, which a watcher kills as soon as file descriptor 3 closes: when
 * the tool has ended, when we give up, and when we are killed with SIGKILL. A recursive make would go on otherwise.
 */
const WATCHED = '"$@" 3<&- & tool=$!; (exec >/dev/null 2>&1; cat <&3; kill -KILL 0) & exec 3<&-; wait "$tool"'

/** Status with which a shell says that there is no such command. */
const NO_SUCH_COMMAND = 127

/** Lines kept of each stream for the error message; make's output is long. */
const KEPT_LINES = 4000

/**
 * Runs a tool in the C locale and gives its standard output.
 * @throws {ToolFailed} status other than 0
 * @throws {HostProblem} no such tool, or the disk is full
 * @throws {Interrupted} the signal was aborted; nothing of the tool is left running
 */
export async function runTool(
  argv: readonly [string, ...string[]],
  options: RunOptions = {},
): Promise<string> {
  if (options.signal?.aborted) throw new Interrupted()
  const child = spawn('/bin/sh', ['-c', WATCHED, 'sh', ...argv], {
    cwd: options.cwd,
    env: { ...process.env, LC_ALL: 'C', ...options.env },
    stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    detached: true,
  })
  const killAll = () => child.pid && signalGroup(child.pid)
  options.signal?.addEventListener('abort', killAll, { once: true })
  const stdout = keepLines(child.stdout as Readable, options.onLine)
  const stderr = keepLines(child.stderr as Readable)
  try {
    const status = await new Promise<number>((resolve, reject) => {
      child.once('error', reject)
      child.once('exit', (code) => resolve(code ?? 137))
    })
    child.stdio[3]?.destroy()
    const [out, err] = await Promise.all([stdout, stderr])
    if (options.signal?.aborted) throw new Interrupted()
    if (status !== 0) throw explain(new ToolFailed(argv, status, out, err))
    return out
  } finally {
    options.signal?.removeEventListener('abort', killAll)
  }
}

function signalGroup(pid: number): void {
  try {
    process.kill(-pid, 'SIGKILL')
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

async function keepLines(stream: Readable, onLine?: (line: string) => void): Promise<string> {
  const lines: string[] = []
  for await (const line of createInterface({ input: stream, crlfDelay: Number.POSITIVE_INFINITY })) {
    onLine?.(line)
    if (lines.push(line) > KEPT_LINES) lines.shift()
  }
  return lines.join('\n')
}

/** Turns what any tool may say about the host into a problem of the host. */
function explain(failed: ToolFailed): Error {
  if (failed.status === NO_SUCH_COMMAND && failed.stderr.includes('not found')) {
    return new HostProblem(`the tool ${failed.argv[0]} is missing`, 'guestrig setup', { cause: failed })
  }
  if (/No space left on device|Disk quota exceeded/.test(failed.stderr)) return diskFull(failed)
  return failed
}
