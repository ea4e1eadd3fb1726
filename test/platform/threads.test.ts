// SPDX-License-Identifier: Apache-2.0
/** How many of the host's threads run a restored board's processors: in a crowd one, unless a guest has several processors itself. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Board, obtainBoard } from '../../harness/platform/index.ts'
import { type Images, locateImages } from '../../images/index.ts'
import { guestrig } from '../cli/guestrig.ts'

let root: string
let images: Images
let boards = 0

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'guestrig-threads-'))
  images = await locateImages()
})

afterAll(() => rm(root, { recursive: true }))

async function threadsOf(board: Board): Promise<number> {
  const processors = await board.emulator.qmp.execute<{ 'thread-id': number }[]>('query-cpus-fast')
  expect(processors).toHaveLength(2)
  return new Set(processors.map((processor) => processor['thread-id'])).size
}

const TWO = [{ name: 'Two', cpus: 2 }]

test.each([
  { what: 'alone', platform: 'xen', threads: 2 },
  { what: 'in a crowd', platform: 'xen', crowded: true, threads: 1 },
  { what: 'in a crowd, with a guest of two processors', platform: 'virt', crowded: true, threads: 2 },
  {
    what: 'in a crowd, with a domU of two processors',
    platform: 'xen',
    crowded: true,
    domUs: TWO,
    threads: 2,
  },
] as const)('$platform $what: $threads', async ({ platform, what, threads, ...more }) => {
  const board = await obtainBoard(platform, { ...more, images, dir: join(root, String(boards++)) })
  try {
    expect(board.restored, what).toBe(true)
    expect(await threadsOf(board)).toBe(threads)
    const { stdout } = await board.domain().run('nproc')
    expect(Number(stdout)).toBe(platform === 'virt' || 'domUs' in more ? 2 : 1)
  } finally {
    await board.stop()
  }
})

test('a run on all processors is a crowd, and one scenario after the other is none', async () => {
  const processors = availableParallelism()
  const script = join(root, 'counts.scenario.ts')
  const counted = (workers: number) => join(root, `threads-${workers}`)
  const lines = [
    `import { appendFileSync } from 'node:fs'`,
    `import { scenario } from '${resolve('harness/index.ts')}'`,
    `for (let number = 0; number < ${processors}; number++)`,
    `  scenario(\`counts \${number}\`, { platform: 'xen' }, async ({ board }) => {`,
    `    const all = await board.emulator.qmp.execute<{ 'thread-id': number }[]>('query-cpus-fast')`,
    `    const threads = new Set(all.map((one) => one['thread-id'])).size`,
    `    appendFileSync(process.env.COUNTED as string, \`\${number}: \${threads}\\n\`)`,
    `  })`,
  ]
  await writeFile(script, lines.join('\n'))
  const threadsOfFirst = async (workers: number) => {
    const env = { COUNTED: counted(workers) }
    const run = await guestrig(
      ['run', script, '--workers', String(workers), '--out', `${counted(workers)}-run`],
      { env },
    )
    expect(run.exitCode, run.all).toBe(0)
    return /^0: (\d)$/m.exec(await readFile(counted(workers), 'utf8'))?.[1]
  }
  expect(await threadsOfFirst(processors)).toBe('1')
  if (processors > 1) expect(await threadsOfFirst(1)).toBe('2')
})
