// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest'
import { type ConsoleLine, Demultiplexer } from '../../harness/console/index.ts'
import { BOOTED, bytesOf, demultiplex, nameOf, textsOf, throughConsoleIo, throughVpl011 } from './wires.ts'

const shared = (...wire: string[]): ConsoleLine[] => demultiplex(bytesOf(wire.join('')))
const alone = (...wire: string[]): ConsoleLine[] => demultiplex(bytesOf(wire.join('')), [], false)

/** `domain: text`, and what was done to it. */
const seen = (lines: ConsoleLine[]): string[] =>
  lines.map(({ domain, text, repair }) => `${domain}: ${text}${repair ? ` {${repair.how.join(', ')}}` : ''}`)

const focusTo = (whom: string) =>
  `(XEN) *** Serial input to ${whom} (type 'CTRL-a' three times to switch input)\r\n`
const FOCUS_LINE = (whom: string) =>
  `Xen: *** Serial input to ${whom} (type 'CTRL-a' three times to switch input)`

describe('a wire of one printer', () => {
  test.each<[string, string, string[]]>([
    ['CRs before a line end', 'one\r\ntwo\r\r\nthree\n\r\n', ['one', 'two', 'three', '']],
    ['a line without end', 'login: ', ['login:  {unended}']],
    ['NULs', 'a\0b\n', ['ab {stripped}']],
    ['colours', '\x1b[1;31mred\x1b[0m\n', ['red {stripped}']],
    ['a window title', '\x1b]0;title\x07text\n', ['text {stripped}']],
    ['an escape sequence without end', 'text \x1b[12\n', ['text \x1b[12']],
    ['UTF-8', Buffer.from('größe\n').toString('latin1'), ['größe']],
    ['bytes that are no UTF-8', 'a\xffb\n', ['a\ufffdb {replaced}']],
    ['marks of Xen', '(XEN) DOM1: x\n', ['(XEN) DOM1: x']],
  ])('%s', (_, wire, lines) => {
    expect(seen(alone(wire))).toEqual(lines.map((line) => `Xen: ${line}`))
  })

  test('says when and by whom the kernel printed', () => {
    const [plain, caller, syslog, none] = alone(
      '[   12.345678] a\n',
      '[    0.000001][   T12] b\n',
      '<4>[    1.000000][   C0] c\n',
      'd\n',
    )
    expect(plain).toMatchObject({ guestTime: 12.345678, level: undefined, caller: undefined })
    expect(caller).toMatchObject({ guestTime: 0.000001, caller: 'T12' })
    expect(syslog).toMatchObject({ guestTime: 1, level: 4, caller: 'C0' })
    expect(none).toMatchObject({ guestTime: undefined, level: undefined, caller: undefined })
  })

  test('says where the bytes are', () => {
    expect(alone('one\r\n\xc3\xa9\n').map(({ wire, from, to }) => [wire, from, to])).toEqual([
      ['uart0', 0, 5],
      ['uart0', 5, 8],
    ])
  })

  test('a line too long is handed on in flagged parts, none of which cuts a character', () => {
    const text = 'é'.repeat(100_000)
    const lines = alone(`a${Buffer.from(text).toString('latin1')}\nnext\n`)
    expect(lines.slice(0, -1).every(({ repair }) => repair?.how.join() === 'part')).toBe(true)
    expect(lines.map((line) => line.text).join('')).toBe(`a${text}next`)
    expect(lines.at(-1)).toMatchObject({ text: 'next', repair: undefined })
  })
})

describe("a program's line that printk came into", () => {
  test("is put together, and printk's is cut out", () => {
    const torn =
      '[    1.000000] a\nhel[    1.500000] b\r\n[    1.600000] c\nlo wor[    1.700000] d\nld\nnext\n'
    expect(seen(alone(torn)).map((line) => line.replace('Xen: ', ''))).toEqual([
      '[    1.000000] a',
      '[    1.500000] b {cut out}',
      '[    1.600000] c',
      '[    1.700000] d {cut out}',
      'hello world {untorn}',
      'next',
    ])
  })

  test('a time stamp that a program printed stays where it is', () => {
    const lines = [
      '[    5.000000] a',
      '12:[    4.000000] b',
      'Nov 21 host kernel: [    5.000000] a',
      '[    5.000000] c',
    ]
    expect(alone(`${lines.join('\n')}\n`).map(({ text, repair }) => [text, repair])).toEqual(
      lines.map((line) => [line, undefined]),
    )
  })
})

describe("Xen's wire", () => {
  test('tells Xen, vpl011 guests and console_io guests apart', () => {
    const wire = shared(
      '(XEN) Std. Loglevel: All\r\n(XEN) DOM1: [    0.1] x\r\r\n(d2) hi\r\n(d3v1) there\r\n(XEN) \r\n',
    )
    expect(seen(wire)).toEqual([
      'Xen: Std. Loglevel: All',
      'dom1: [    0.1] x',
      'dom2: hi',
      'dom3: there',
      'Xen: ',
    ])
  })

  test.each([
    ['date', '2024-01-01 00:00:00'],
    ['datems', '2024-01-01 00:00:00.123'],
    ['boot', '    1.234567'],
    ['raw', '0000001234abcdef'],
  ])('knows the time stamps of console_timestamps=%s', (_, stamp) => {
    const [own, domU] = shared(`(XEN) [${stamp}] own\r\n`, `(XEN) [${stamp}] DOM1: [    9.000000] x\r\n`)
    expect(own).toMatchObject({ domain: 'Xen', text: 'own', xenStamp: stamp, repair: undefined })
    expect(domU).toMatchObject({ domain: 'dom1', text: '[    9.000000] x', xenStamp: stamp, guestTime: 9 })
  })

  test('joins the pieces of a long line, with lines of others between them', () => {
    const [first = '', second = '', third = ''] = throughVpl011(1, `${'a'.repeat(300)}\r\n`)
    const lines = shared(first, '(XEN) noise\r\n', second, '(XEN) DOM2: other\r\n', third)
    expect(seen(lines)).toEqual(['Xen: noise', 'dom2: other', `dom1: ${'a'.repeat(300)} {joined}`])
    const joined = lines.at(-1)
    expect(joined).toMatchObject({ from: 0, repair: { sure: 'certain' } })
    expect(joined?.repair?.spans).toHaveLength(3)
  })

  test.each([123, 124, 125, 126, 127, 250, 251, 252, 253, 378])(
    'a line of %i characters comes whole',
    (length) => {
      const text = 'b'.repeat(length)
      const printed = ['before', text, 'after'].flatMap((line) => throughVpl011(1, `${line}\r\n`))
      expect(textsOf(shared(...printed), 'dom1')).toEqual(['before', text, 'after'])
      const unix = printed.map((line) => line.replaceAll('\r', ''))
      expect(textsOf(shared(...unix), 'dom1')).toEqual(['before', text, 'after'])
    },
  )

  test.each([254, 255, 256, 260, 272, 300])('a line of %i characters by console_io comes whole', (length) => {
    const line = (text: string) => `[    1.000000] ${text}`
    const texts = ['before', 'c'.repeat(length - 15), 'after'].map(line)
    const printed = throughConsoleIo(1, texts.map((text) => `${text}\r\n`).join(''))
    expect(textsOf(shared(...printed), 'dom1')).toEqual(texts)
  })

  test("takes lines of Xen's and of a domU's out of the middle of dom0's", () => {
    const lines = shared(
      BOOTED,
      '[    0.370711] p(XEN) DOM1: [    0.082400] rcu: x\r\n',
      '(XEN) own\r\n',
      'ci 0000:00:01.0\r(XEN) again\r\n',
      '\n[    0.380000] next\r\n',
    )
    expect(seen(lines.slice(1))).toEqual([
      'dom1: [    0.082400] rcu: x {cut out}',
      'Xen: own',
      'Xen: again {cut out}',
      'dom0: [    0.370711] pci 0000:00:01.0 {untorn}',
      'dom0: [    0.380000] next',
    ])
  })

  test('what dom0 printed without a line end goes on in what it prints next', () => {
    expect(seen(shared(BOOTED, 'login: (XEN) own\r\nroot\r\n').slice(1))).toEqual([
      'Xen: own {cut out}',
      'dom0: login: root {untorn}',
    ])
  })

  test("joins a line of Xen's that another processor came into", () => {
    expect(seen(shared('(XEN) one (XEN) two\r\nmore\r\n'))).toEqual([
      'Xen: two {cut out}',
      'Xen: one more {untorn}',
    ])
  })

  test("before Xen has said where the input goes, bytes without a mark are Xen's banner, or dom0's if printk stamped them", () => {
    expect(seen(shared(' Xen 4.20\r\n', '[    0.100000] x\r\n'))).toEqual([
      'Xen:  Xen 4.20 {unmarked}',
      'dom0: [    0.100000] x {unmarked}',
    ])
  })

  test('follows the input focus', () => {
    const oops = '(XEN) [    5.100000] Internal error: Oops\r\n'
    const lines = shared(
      '(XEN) a\r\n',
      focusTo('DOM1'),
      oops,
      '(XEN) Panic on CPU 0:\r\n',
      focusTo('Xen'),
      oops,
    )
    expect(seen(lines)).toEqual([
      'Xen: a',
      FOCUS_LINE('DOM1'),
      'dom1: [    5.100000] Internal error: Oops {in focus}',
      'Xen: Panic on CPU 0: {mixed}',
      FOCUS_LINE('Xen'),
      'Xen: Internal error: Oops',
    ])
  })

  test("a domU in focus whose line another's came into", () => {
    expect(
      seen(
        shared('(XEN) a\r\n', focusTo('DOM1'), '(XEN) [    5.100000] hel(XEN) DOM2: x\r\nlo\r\n').slice(2),
      ),
    ).toEqual(['dom2: x {cut out}', 'dom1: [    5.100000] hello {untorn, in focus}'])
  })

  test("a domU's line that holds a mark of Xen's is not believed", () => {
    expect(seen(shared('(XEN) DOM1: x(XEN) Panic on CPU 0:\r\n'))).toEqual([
      'dom1: x(XEN) Panic on CPU 0: {mixed}',
    ])
  })

  test('a character that Xen cut is whole again', () => {
    const text = `${'a'.repeat(125)}é`
    const printed = throughVpl011(1, `${Buffer.from(text).toString('latin1')}\r\n`)
    expect(seen(shared(...printed))).toEqual([`dom1: ${text} {joined}`])
  })

  test('what is incomplete at the end is flagged', () => {
    expect(seen(shared(BOOTED, `(XEN) DOM1: ${'x'.repeat(126)}\r\n`, 'login: (XEN) a\r\n').slice(1))).toEqual(
      ['Xen: a {cut out}', `dom1: ${'x'.repeat(126)} {unended}`, 'dom0: login:  {unended}'],
    )
  })
})

/** Feeds `chunk` again and again, and keeps no line. Returns how many there were. */
function feed(head: string, chunk: Uint8Array, times: number, each: (line: ConsoleLine) => void): number {
  const demultiplexer = new Demultiplexer({ name: 'uart0', shared: true, nameOf })
  let count = 0
  const take = (lines: ConsoleLine[]) => {
    count += lines.length
    lines.forEach(each)
  }
  take(demultiplexer.push(bytesOf(head), 0))
  for (let time = 0; time < times; time++) take(demultiplexer.push(chunk, 0))
  take(demultiplexer.end(0))
  return count
}

test('100 MB without a line end are survived, in bounded memory', () => {
  for (const head of ['', '(XEN) DOM1: ', '(XEN) ']) {
    const chunk = Buffer.alloc(1 << 20, 'x')
    const before = process.memoryUsage().heapUsed
    let [bytes, flagged] = [0, true]
    const lines = feed(head, chunk, 100, (line) => {
      bytes += line.text.length
      flagged &&= line.repair?.how.includes('part') === true
    })
    expect(lines).toBeGreaterThan(1000)
    expect(bytes).toBe(100 << 20)
    expect(flagged).toBe(true)
    expect(process.memoryUsage().heapUsed - before).toBeLessThan(200 << 20)
  }
})
