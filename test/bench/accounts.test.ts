// SPDX-License-Identifier: Apache-2.0
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { execa } from 'execa'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { accounting, readAccounts } from '../../harness/bench/accounts.ts'

let root: string

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'guestrig-accounts-'))
})

afterAll(() => rm(root, { recursive: true }))

/** Work for some tenths of a second, in Node and in a program that is no Node. */
const NODE = 'for (let i = 0; i < 4e8; i++);'
const SHELL = 'i=0; while [ $i -lt 300000 ]; do i=$((i+1)); done'

/** What a Node process that runs `script`, and those that it starts, say that they used. */
async function account(name: string, script: string, processes = 1) {
  const folder = join(root, name)
  const env = await accounting(folder)
  await execa(process.execPath, ['-e', `const { spawn } = require('node:child_process'); ${script}`], {
    env,
  })
  return await readAccounts(folder, processes)
}

test('a process counts with its helpers, without QEMU, and other Node processes count once', async () => {
  const idle = await account('idle', '')
  const busy = await account('busy', NODE)
  const helper = await account('helper', `spawn('sh', ['-c', '${SHELL}'])`)
  const qemu = await account('qemu', `spawn('sh', ['-c', '${SHELL}', 'qemu-system-aarch64'])`)
  const both = await account('both', `spawn(process.execPath, ['-e', '${NODE}'])`, 2)
  expect(busy.processorMs).toBeGreaterThan(2 * idle.processorMs)
  expect(helper.processorMs).toBeGreaterThan(2 * idle.processorMs)
  expect(qemu.processorMs).toBeLessThan((helper.processorMs + idle.processorMs) / 2)
  // Were the other one's work counted twice, it would be twice as much.
  const expected = busy.processorMs + idle.processorMs
  expect(both.processorMs).toBeGreaterThan(0.5 * expected)
  expect(both.processorMs).toBeLessThan(1.7 * expected)
  expect(both.peakBytes).toBeGreaterThan(1.5 * idle.peakBytes)
})

test('a process that was killed is missed', async () => {
  await expect(
    account('killed', `spawn(process.execPath, ['-e', 'process.kill(process.pid, 9)'])`, 2),
  ).rejects.toThrow('only 1 of 2 processes have said what they used')
})
