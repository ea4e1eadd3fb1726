// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { EscapeKeys } from '../../harness/cli/shell/escape-keys.ts'
import { Scrollback } from '../../harness/cli/shell/scrollback.ts'
import { type Source, XenUart } from '../../harness/cli/shell/xen-uart.ts'

/** What each printer printed, when the wire comes in these chunks. */
function split(chunks: string[]): Record<string, string> {
  const printed: Record<string, string> = {}
  const uart = new XenUart(
    (source: Source, bytes) => {
      printed[source] = (printed[source] ?? '') + bytes.toString('latin1')
    },
    () => {},
  )
  for (const chunk of chunks) uart.push(Buffer.from(chunk, 'latin1'))
  return printed
}

/** Cuts a text in pieces at random places. */
const inChunks = (text: string) =>
  fc.array(fc.nat(text.length)).map((cuts) => {
    const at = [0, ...cuts.sort((a, b) => a - b), text.length]
    return at.slice(1).map((end, index) => text.slice(at[index], end))
  })

describe('XenUart', () => {
  const wire = [
    '(XEN) Std. Loglevel: All\r\n(XEN) DOM1: [    0.1] hello\r\r\n',
    "(XEN) *** Serial input to DOM1 (type 'CTRL-a' three times to switch input)\r\n",
    '(XEN) ~ # echo $((6*7))\r\r\n(XEN) 42\r\r\n(XEN) ~ # ls(XEN) DOM2: mid\r\r\n /\r\r\n',
    "(XEN) *** Serial input to Xen (type 'CTRL-a' three times to switch input)\r\n(XEN) DOMAIN\r\n",
  ].join('')
  const printed = {
    1: '[    0.1] hello\r\r\n~ # echo $((6*7))\r\r\n42\r\r\n~ # ls /\r\r\n',
    2: 'mid\r\r\n',
    Xen:
      "Std. Loglevel: All\r\n*** Serial input to DOM1 (type 'CTRL-a' three times to switch input)\r\n" +
      "*** Serial input to Xen (type 'CTRL-a' three times to switch input)\r\nDOMAIN\r\n",
  }

  test('tells the printers apart wherever the wire is cut', () => {
    fc.assert(
      fc.property(inChunks(wire), (chunks) => {
        expect(split(chunks)).toEqual(printed)
      }),
    )
  })

  test('joins the pieces of a long line', () => {
    const piece = 'a'.repeat(126)
    expect(split([`(XEN) DOM1: ${piece}\r\n(XEN) DOM1: bc\r\r\n`])).toEqual({ 1: `${piece}bc\r\r\n` })
  })
})

describe('EscapeKeys', () => {
  const typed = (text: string) => new EscapeKeys().push(Buffer.from(text))
  const input = (text: string) => ({ kind: 'input', bytes: Buffer.from(text) })

  test('what follows Ctrl-] is for the harness, the rest for the guest', () => {
    expect(typed('ls\r\x1dnx\x1d3\x1dq')).toEqual([
      input('ls\r'),
      { kind: 'next' },
      input('x'),
      { kind: 'console', number: 3 },
      { kind: 'quit' },
    ])
  })

  test('Ctrl-] twice is one for the guest; a key that means nothing shows the help', () => {
    expect(typed('a\x1d\x1db\x1dz')).toEqual([input('a\x1db'), { kind: 'help' }])
  })

  test('the two keys may come apart', () => {
    const keys = new EscapeKeys()
    expect([...keys.push(Buffer.from('\x1d')), ...keys.push(Buffer.from('q'))]).toEqual([{ kind: 'quit' }])
  })
})

describe('Scrollback', () => {
  test('shows the last lines again, without what a terminal would answer', () => {
    const scrollback = new Scrollback()
    scrollback.push(Buffer.from('one\r\ntwo\r\n\x1b[1mthree\x1b[6n\r\n~ # \x1b[6n'))
    expect(scrollback.tail(2).toString()).toBe('\x1b[1mthree\r\n~ # ')
  })
})
