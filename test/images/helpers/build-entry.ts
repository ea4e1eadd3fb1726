// SPDX-License-Identifier: Apache-2.0
// A process of its own that makes one entry: argv is the cache's folder and a shell command that fills the entry.
// Prints "waiting", "building", "done" as it goes.
import { mkdir } from 'node:fs/promises'
import { Cache, entryName } from '../../../images/cache.ts'
import { runTool } from '../../../images/run.ts'

const [folder = '', command = ''] = process.argv.slice(2)
await mkdir(folder, { recursive: true })
const cache = new Cache(folder)
const inputs = { what: 'test' }
const name = entryName('thing', inputs)
await cache.sweep()
await cache.exclusively(name, { onWait: (holder) => console.log(`waiting for ${holder}`) }, async () => {
  if (cache.has(name)) return
  console.log('building')
  await cache.make(name, inputs, async (into) => {
    await runTool(['sh', '-c', command], { cwd: into })
  })
})
console.log('done')
