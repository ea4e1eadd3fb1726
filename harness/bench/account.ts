// SPDX-License-Identifier: Apache-2.0
/**
 * Loaded before anything else into each Node process of a run (`--import`): when the process ends, it leaves a file that says what it
 * and the programs that it started have used, less QEMU.
 *
 * Processor time is that of the process itself, and of children as the kernel adds them up when they are waited for (`cutime` and
 * `cstime` in proc_pid_stat(5), in ticks of 10 ms, so that a single short child is rounded, but not many of them together), less what is
 * added when a QEMU or a Node process has ended. Memory is `VmHWM` of proc_pid_status(5): `ru_maxrss`, which Node would give, begins with what
 * the process that started this one had.
 */
import type { ChildProcess } from 'node:child_process'
import { subscribe } from 'node:diagnostics_channel'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Account, FOLDER } from './account-format.ts'

/** ms of a tick: USER_HZ is 100 on every machine that runs guests here. */
const TICK = 10
/** Fields of proc_pid_stat(5) behind the command's name, which ends with the last parenthesis; the first is the state, field 3. */
const UTIME = 14 - 3
const CUTIME = 16 - 3

/** ms in the field `first` and the one behind it: user and system. */
function processorTime(pid: number | 'self', first: number): number {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8')
  const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
  return (Number(fields[first]) + Number(fields[first + 1])) * TICK
}

/** Bytes of memory that a process had at most. */
function peakMemory(pid: number | 'self'): number {
  const [, kilobytes] = /^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8')) ?? []
  return Number(kilobytes) * 1024
}

/** QEMU is not counted, and another Node process gives an account of its own. */
const isElsewhere = ({ spawnfile, spawnargs }: ChildProcess): boolean =>
  spawnfile === process.execPath || spawnargs.some((word) => /qemu-system-/.test(word))

const running = new Set<ChildProcess>()
/** Of the children that have ended, ms. */
let children = 0
let elsewhere = 0

subscribe('child_process', (message) => {
  const { process: child } = message as { process: ChildProcess }
  running.add(child)
  child.prependOnceListener('exit', () => {
    running.delete(child)
    const before = children
    children = processorTime('self', CUTIME)
    if (isElsewhere(child)) elsewhere += children - before
  })
})

/** Programs that still run, and that nobody will wait for: esbuild's. */
function stillRunning(): Account {
  const left = { processorMs: 0, peakBytes: 0 }
  for (const child of running) {
    if (child.pid === undefined || isElsewhere(child)) continue
    try {
      const [processorMs, peakBytes] = [processorTime(child.pid, UTIME), peakMemory(child.pid)]
      left.processorMs += processorMs
      left.peakBytes += peakBytes
    } catch {
      // It has just ended.
    }
  }
  return left
}

process.once('exit', () => {
  const { user, system } = process.cpuUsage()
  const left = stillRunning()
  const account: Account = {
    processorMs: (user + system) / 1000 + processorTime('self', CUTIME) - elsewhere + left.processorMs,
    peakBytes: peakMemory('self') + left.peakBytes,
  }
  writeFileSync(join(process.env[FOLDER] as string, `${process.pid}.json`), JSON.stringify(account))
})
