// SPDX-License-Identifier: Apache-2.0
import { type ChildProcess, spawn } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { Interrupted } from './problem.ts'

export interface Lock {
  release(): Promise<void>
}

/** flock(1)'s status for "somebody else has it", chosen with -E so that it is like no other. */
const TAKEN = 75

/**
 * Takes the lock on a file, waiting for whoever has it.
 *
 * The lock is flock(2)'s, held by a child that lives as long as its standard input is open: it is free again the moment we
 * are gone, however that came about, and needs no time-out to be found stale.
 * @param options.onWait called once when somebody else has the lock, with what is known of them
 */
export async function holdLock(
  file: string,
  options: { signal?: AbortSignal | undefined; onWait: (holder: string) => void },
): Promise<Lock> {
  let holder = await start(file, ['-n'], options.signal)
  if (!holder) {
    options.onWait((await readFile(file, 'utf8').catch(() => '')).trim() || 'a process')
    holder = await start(file, [], options.signal)
  }
  if (!holder) throw new Error(`flock gave up on ${file}`)
  const held = holder
  await writeFile(file, `process ${process.pid}\n`)
  return {
    release: () =>
      new Promise((resolve) => {
        held.ref()
        held.once('exit', () => resolve())
        held.stdin?.end()
        if (held.exitCode !== null || held.signalCode !== null) resolve()
      }),
  }
}

/** Whether nobody holds the lock at this moment. */
export async function lockIsFree(file: string): Promise<boolean> {
  const holder = await start(file, ['-n'])
  if (!holder) return false
  holder.stdin?.end()
  return true
}

/** Starts the child that holds the lock; undefined when somebody else has it. */
function start(file: string, how: string[], signal?: AbortSignal): Promise<ChildProcess | undefined> {
  if (signal?.aborted) return Promise.reject(new Interrupted())
  return new Promise((resolve, reject) => {
    const child = spawn(
      'flock',
      ['-x', '-E', String(TAKEN), ...how, '-F', file, 'sh', '-c', 'echo; exec cat'],
      {
        stdio: ['pipe', 'pipe', 'inherit'],
        detached: true,
      },
    )
    const giveUp = () => child.kill('SIGKILL')
    signal?.addEventListener('abort', giveUp, { once: true })
    child.stdin.on('error', () => {})
    child.once('error', reject)
    child.stdout.once('data', () => {
      signal?.removeEventListener('abort', giveUp)
      child.stdout.destroy()
      child.unref()
      resolve(child)
    })
    child.once('exit', (code) => {
      if (signal?.aborted) reject(new Interrupted())
      else if (code === TAKEN) resolve(undefined)
      else reject(new Error(`flock ${file} ended with status ${code}`))
    })
  })
}
