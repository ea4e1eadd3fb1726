// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest'
import { Console } from '../../harness/console/index.ts'
import { distanceIn, literalOf, nearestLine } from '../../harness/scenario/nearest.ts'
import { LineSearch, whatCame } from '../../harness/scenario/waiting.ts'

describe('literalOf', () => {
  test.each<[RegExp, string]>([
    [
      /pci-host-generic 10000000\.pcie: host bridge .* ranges:/,
      'pci-host-generic 10000000.pcie: host bridge  ranges:',
    ],
    [/virtio_blk virtio\d+: \[vda\]$/, 'virtio_blk virtio: [vda]'],
    [/^(?:a|b)[^\]x]{2,3}c?\/\x41(?<name>d)+?/, 'abc/Ad'],
    [/\b.*/, ''],
  ])('%s', (pattern, literal) => {
    expect(literalOf(pattern)).toBe(literal)
  })
})

test('distanceIn counts the edits to the nearest part of a text', () => {
  expect(distanceIn('host bridge', '[    1.0] pci: host bridge /pcie@1')).toBe(0)
  expect(distanceIn('host brigde', '[    1.0] pci: host bridge /pcie@1')).toBe(2)
  expect(distanceIn('abc', '')).toBe(3)
})

test('nearestLine gives the latest of the nearest lines, and none that is far', () => {
  const lines = ['[1] pci 0000:00:01.0: [1af4:1041]', '[2] pci 0000:00:02.0: [1af4:1041]', '[3] rcu: nothing']
  expect(nearestLine(/pci 0000:00:03\.0: \[1af4:1041\]/, lines)).toBe(lines[1])
  expect(nearestLine(/Kernel panic - not syncing/, lines)).toBeUndefined()
})

function printed(...texts: string[]): Console {
  const console = new Console('DomU', 1000)
  for (const text of texts) console.push({ domain: 'DomU', text, at: 0 })
  return console
}

describe('what a message shows of a line that did not come', () => {
  test('the nearest line, and the last ones', () => {
    const lines = ['[1] pci 0000:00:01.0: found', ...Array.from({ length: 20 }, (_, i) => `noise ${i}`)]
    const shown = whatCame(printed(...lines), /pci 0000:00:07\.0: found/, 0).join('\n')
    expect(shown).toMatch(/the nearest line was:\n {2}\| \[1\] pci 0000:00:01\.0: found\n/)
    expect(shown).toMatch(/printed last:\n {2}\| noise 8\n(.*\n)* {2}\| noise 19$/)
  })

  test('that it came before the cursor, and what came before it if nothing has since', () => {
    const shown = whatCame(printed('a', 'b'), /a/, 2).join('\n')
    expect(shown).toBe(
      'it was printed before the cursor: a\nsince the cursor it printed nothing.\nits last lines before that:\n  | a\n  | b',
    )
  })

  test('that lines are no longer in memory, and the line that has begun', () => {
    const console = printed(...Array.from({ length: 2500 }, (_, i) => `line ${i}`))
    console.begin({ domain: 'DomU', text: 'login: ', at: 0 })
    expect(console.lines.length).toBeLessThan(2000)
    expect(console.printed).toBe(2500)
    expect(console.line(2499)?.text).toBe('line 2499')
    const shown = whatCame(console, /xyz/, 0).join('\n')
    expect(shown).toContain(`${console.first} lines since the cursor are no longer in memory`)
    expect(shown).toContain('it has begun a line: login: ')
  })
})

test('LineSearch looks at each line once, whatever the flags of the pattern', () => {
  const console = printed('ab', 'b', 'ab')
  const search = new LineSearch(console, /a/gy, 0)
  expect([search.next(), search.next(), search.next()]).toEqual([0, 2, undefined])
  console.push({ domain: 'DomU', text: 'a', at: 0 })
  expect(search.next()).toBe(3)
})
