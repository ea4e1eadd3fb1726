// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest'
import { Console, type Found, watchForFailure, XEN } from '../../harness/console/index.ts'

function watched(domain = 'DomU'): {
  print: (...lines: string[]) => void
  found: Promise<Found>
  quiet: () => boolean
} {
  const console = new Console(domain)
  let seen = false
  const found = new Promise<Found>((resolve) => {
    watchForFailure(console, (first) => {
      seen = true
      resolve(first)
    })
  })
  const print = (...lines: string[]) => {
    for (const text of lines) console.push({ domain, text, at: 0 })
  }
  return { print, found, quiet: () => !seen }
}

describe('watchForFailure', () => {
  test('collects a panic to its last line, and not one more', async () => {
    const { print, found } = watched()
    print(
      '[    1.0] fine',
      '[    1.1] Kernel panic - not syncing: sysrq triggered crash',
      '[    1.2] CPU: 0 PID: 1 Comm: sh',
      '[    1.3] ---[ end Kernel panic - not syncing: sysrq triggered crash ]---',
      '[    1.4] after',
    )
    const { failure, verdict } = await found
    expect(verdict).toBe('crash')
    expect(failure).toMatchObject({
      kind: 'panic',
      title: 'kernel panic: sysrq triggered crash',
      domain: 'DomU',
    })
    expect(failure.report).toHaveLength(3)
  })

  test('a report without a last line ends when the console is quiet', async () => {
    const { print, found } = watched()
    print(
      '[    1.0] WARNING: CPU: 1 PID: 7 at drivers/xen/grant-table.c:123 gnttab_map_refs+0x1/0x2',
      '[    1.1] Modules linked in:',
    )
    expect((await found).failure).toMatchObject({
      title: 'WARNING in gnttab_map_refs',
      frame: 'gnttab_map_refs',
    })
  })

  test('ordinary text with the words in it is no failure', () => {
    const { print, quiet } = watched()
    print(
      '[    0.1] x: WARNING: this is only a remark',
      '[    0.2] Kernel command line: panic=1',
      'grep BUG: file',
    )
    expect(quiet()).toBe(true)
  })

  test("Xen's failures are looked for on Xen's console only", async () => {
    const { print, found } = watched(XEN)
    print('Domain 1 (vcpu#0) crashed on cpu#1:', '*** Dumping Dom1 vcpu#0 state: ***')
    expect((await found).failure).toMatchObject({ kind: 'domain-crash', title: 'domain 1 crashed' })
    const guest = watched()
    guest.print('Domain 1 (vcpu#0) crashed on cpu#1:')
    expect(guest.quiet()).toBe(true)
  })

  test('an init that failed is an error of the image', async () => {
    const { print, found } = watched('dom0')
    print('guestrig-init: failed: xenstored')
    expect((await found).verdict).toBe('error')
  })
})
