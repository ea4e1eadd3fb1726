// SPDX-License-Identifier: Apache-2.0
/**
 * Every domain of a real Xen board prints as fast as it can, by every way that it has: programs on /dev/console, the kernel's log, and dom0
 * on hvc0 besides, whose bytes are raw on Xen's wire. Numbered lines, of lengths about Xen's pieces: each must come whole, once, and in
 * its order. `npm run test:flood` does it for 30 s.
 */
import { mkdtemp, rm } from 'node:fs/promises'
import { loadavg, tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { ConsoleLine } from '../../harness/console/index.ts'
import { expect as expectGuest } from '../../harness/index.ts'
import { type Board, bootBoard, type Domain } from '../../harness/platform/index.ts'
import { locateImages } from '../../images/index.ts'

const SECONDS = Number(process.env.GUESTRIG_FLOOD_SECONDS ?? 3)
/** Characters of padding: line number n has the n-th of them, again and again. With what stands around it, 126 and 252 are among the lengths. */
const PADDING = [0, 40, ...range(80, 118), 60, ...range(200, 240), 300]
const [CONSOLE, KMSG, HVC] = ['console', 'kmsg', 'hvc0']

let root: string
let board: Board

function range(from: number, to: number): number[] {
  return Array.from({ length: to - from }, (_, index) => from + index)
}

const paddingOf = (number: number): string => 'x'.repeat(PADDING[number % PADDING.length] ?? 0)
const flooded = (way: string, number: number): string => `flood ${way} ${number} ${paddingOf(number)}|`

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'guestrig-flood-'))
  board = await bootBoard('xen', {
    images: await locateImages(),
    dir: root,
    domUs: [{ name: 'DomU' }, { name: 'DomD' }],
  })
})

afterAll(async () => {
  await board?.stop()
  await rm(root, { recursive: true })
})

const waysOf = ({ name }: Domain): string[] => (name === 'dom0' ? [CONSOLE, KMSG, HVC] : [CONSOLE, KMSG])

/** Floods for some seconds; returns how many lines were printed by each way. */
async function flood(domain: Domain): Promise<number> {
  const says = waysOf(domain).map((way) => {
    const level = way === KMSG ? '<6>' : ''
    return `printf '${level}flood ${way} %d %.*s|\\n' $i $n $x >/dev/${way}`
  })
  const script = [
    `x=${'x'.repeat(300)}; i=0; end=$(($(date +%s) + ${SECONDS}))`,
    'while [ $(date +%s) -lt $end ]; do',
    `for n in ${PADDING.join(' ')}; do ${says.join('; ')}; i=$((i + 1)); done`,
    // Xen says something as well.
    domain.name === 'dom0' ? 'xl debug-keys h' : '',
    'done; echo $i',
  ].join('\n')
  return Number((await domain.run(script, { timeout: SECONDS * 1000 + 30_000 })).stdout)
}

/** The numbered lines that came by one way, printk's time stamp taken away. */
function cameBy(way: string, lines: readonly ConsoleLine[]): string[] {
  const said = lines.map(({ text, guestTime }) =>
    guestTime === undefined ? text : text.replace(/^\[[^\]]*\] /, ''),
  )
  return said.filter((text) => text.startsWith(`flood ${way} `))
}

test(
  `all consoles are flooded for ${SECONDS} s, and every line comes whole and in order`,
  async () => {
    const counts = await Promise.all(board.domains.map(flood))
    let all = 0
    for (const [index, domain] of board.domains.entries()) {
      const count = counts[index] ?? 0
      expect(count).toBeGreaterThan(0)
      for (const way of waysOf(domain)) {
        await expectGuest(domain.console).toPrint(new RegExp(`flood ${way} ${count - 1} x*\\|$`), {
          timeout: 30_000,
        })
        const printed = range(0, count).map((number) => flooded(way, number))
        expect(cameBy(way, domain.console.lines)).toEqual(printed)
        all += count
      }
      // No line of a flood is anywhere but at the beginning of its own.
      const odd = domain.console.lines.filter(({ text }) => /.flood /.test(text.replace(/^\[[^\]]*\] /, '')))
      expect(odd).toEqual([])
    }
    const pressed = board.xenConsole
      .texts(0)
      .filter((text) => text.endsWith("'h' pressed -> showing installed handlers"))
    expect(pressed).toHaveLength((counts[0] ?? 0) / PADDING.length)
    expect(board.xenConsole.texts(0).filter((text) => text.includes('flood'))).toEqual([])
    const repairs = new Map<string, number>()
    for (const { lines } of board.consoles) {
      for (const how of lines.flatMap(({ repair }) => repair?.how ?? []))
        repairs.set(how, (repairs.get(how) ?? 0) + 1)
    }
    // Lines were cut, or this proved nothing.
    expect(repairs.get('joined')).toBeGreaterThan(0)
    const figures = [...repairs].map(([how, times]) => `${times} ${how}`).join(', ')
    console.log(`${all} lines in ${SECONDS} s, all whole; ${figures}; load ${loadavg()[0]?.toFixed(1)}`)
  },
  SECONDS * 1000 + 120_000,
)
