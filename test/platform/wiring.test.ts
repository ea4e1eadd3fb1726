// SPDX-License-Identifier: Apache-2.0
import { PassThrough } from 'node:stream'
import { expect, test } from 'vitest'
import { Console } from '../../harness/console/index.ts'
import { connectUart } from '../../harness/platform/wiring.ts'

const changed = (console: Console): Promise<void> =>
  new Promise((resolve) => {
    const stop = console.onChange(() => {
      stop()
      resolve()
    })
  })

test('a prompt can be seen although its line has no end, and is no line until it has one', async () => {
  const wire = new PassThrough()
  const console = new Console('linux')
  connectUart(wire, { uart: 'uart0', xen: false, console: () => console }, () => 7)
  const begun = changed(console)
  wire.write('login: ')
  await begun
  expect(console.unended).toMatchObject({ text: 'login: ', repair: { how: ['unended'] } })
  expect(console.lines).toEqual([])
  const ended = changed(console)
  wire.write('root\n')
  await ended
  expect(console.unended).toBeUndefined()
  expect(console.texts()).toEqual(['login: root'])
  expect(console.lines[0]).toMatchObject({ wire: 'uart0', from: 0, to: 12, at: 7, repair: undefined })
})

test('a line whose end never comes is there when the wire has ended, flagged', async () => {
  const wire = new PassThrough()
  const console = new Console('linux')
  connectUart(wire, { uart: 'uart0', xen: false, console: () => console }, () => 7)
  const ended = changed(console)
  wire.end('last words')
  await ended
  expect(console.lines[0]).toMatchObject({ text: 'last words', repair: { how: ['unended'], sure: 'likely' } })
})
