// SPDX-License-Identifier: Apache-2.0
import { readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { asHostProblem, ToolFailed } from '../../images/problem.ts'
import { runTool } from '../../images/run.ts'

describe('runTool', () => {
  it('gives the output, and the lines as they come', async () => {
    const lines: string[] = []
    expect(await runTool(['printf', 'a\\nb\\n'], { onLine: (line) => lines.push(line) })).toBe('a\nb')
    expect(lines).toEqual(['a', 'b'])
  })

  it('tells a failure with status and the last lines', async () => {
    const failed = await runTool(['sh', '-c', 'echo why >&2; exit 3']).catch((error: unknown) => error)
    expect(failed).toBeInstanceOf(ToolFailed)
    expect(failed).toMatchObject({ status: 3, tail: 'why' })
  })

  it('names a missing tool', async () => {
    await expect(runTool(['no-such-tool-here'])).rejects.toMatchObject({
      name: 'HostProblem',
      message: 'the tool no-such-tool-here is missing',
    })
  })

  it('knows a full disk by what the tool says of it', async () => {
    await expect(
      runTool(['sh', '-c', 'echo "cc1: No space left on device" >&2; exit 1']),
    ).rejects.toMatchObject({
      name: 'HostProblem',
      message: expect.stringContaining('is full'),
    })
  })

  it('ends at once when it is aborted, with all that the tool has started', async () => {
    const stop = new AbortController()
    const pids: number[] = []
    const running = runTool(['sh', '-c', 'echo $$; sleep 60 & echo $!; wait'], {
      signal: stop.signal,
      onLine: (line) => {
        if (pids.push(Number(line)) === 2) stop.abort()
      },
    })
    await expect(running).rejects.toMatchObject({ name: 'AbortError' })
    expect(pids).toHaveLength(2)
    await expect.poll(() => pids.filter(alive)).toEqual([])
  })
})

/** Still running: a killed process stays as a zombie until its parent looks, and in a container nobody may. */
function alive(pid: number): boolean {
  try {
    return !/^\d+ \(.*\) [ZX]/.test(readFileSync(`/proc/${pid}/stat`, 'utf8'))
  } catch {
    return false
  }
}

describe('asHostProblem', () => {
  it('turns errors of the file system into one sentence and a remedy', () => {
    const full = Object.assign(new Error('write'), { code: 'ENOSPC' })
    expect(asHostProblem(full, '/cache')).toMatchObject({
      name: 'HostProblem',
      message: 'the disk of /cache is full',
      remedy: expect.stringContaining('GUESTRIG_CACHE'),
    })
    const denied = Object.assign(new Error('open'), { code: 'EACCES', path: '/cache/x' })
    expect(asHostProblem(denied, '/cache')).toMatchObject({ message: '/cache/x may not be written' })
  })

  it('leaves a bug a bug', () => {
    const bug = new TypeError('undefined is not a function')
    expect(asHostProblem(bug, '/cache')).toBe(bug)
  })
})
