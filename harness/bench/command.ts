// SPDX-License-Identifier: Apache-2.0
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { HostProblem } from '../../images/index.ts'
import { guarded } from '../board/index.ts'

const GUESTRIG = join(import.meta.dirname, '../../bin/guestrig.mjs')

/** Characters of what a command said last that an error repeats. */
const LAST_WORDS = 2000

/** ms from the start of `node WORDS` until it has ended. */
export async function timeNode(words: readonly string[], env: Record<string, string> = {}): Promise<number> {
  const [file = '', ...args] = guarded([process.execPath, ...words])
  const startedAt = performance.now()
  const command = spawn(file, args, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } })
  let endedAt = Number.NaN
  command.once('exit', () => (endedAt = performance.now()))
  let said = ''
  for (const stream of [command.stdout, command.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said = (said + text).slice(-LAST_WORDS)
    })
  }
  const status = await new Promise<number | string>((resolve, reject) => {
    command.once('error', reject)
    command.once('close', (code, signal) => resolve(code ?? signal ?? 'unknown'))
  })
  if (status === 0) return endedAt - startedAt
  throw new HostProblem(
    `node ${words.join(' ')} ended with ${status}: ${said.trim()}`,
    'Run it by hand (with guestrig bench --out DIR its files stay).',
  )
}

/** ms that the command line takes with these words, as a person would start it. */
export const timeGuestrig = (words: readonly string[], env: Record<string, string> = {}): Promise<number> =>
  timeNode([GUESTRIG, ...words], env)
