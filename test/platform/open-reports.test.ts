// SPDX-License-Identifier: Apache-2.0
import { describe, expect, test } from 'vitest'
import { Console, watchForFailure } from '../../harness/console/index.ts'
import { OpenReports } from '../../harness/platform/open-reports.ts'

function watched() {
  const console = new Console('DomU')
  const reports = new OpenReports()
  const titles: string[] = []
  watchForFailure(
    console,
    ({ failure }) => {
      titles.push(failure.title)
      reports.whole()
    },
    () => reports.begun(),
  )
  const print = (...lines: string[]) => {
    for (const text of lines) console.push({ domain: 'DomU', text, at: 0 })
  }
  return { reports, titles, print }
}

const WARNINGS = [
  '[    1.000000][   T1] WARNING: CPU: 0 PID: 7 at drivers/xen/grant-table.c:123 gnttab_map_refs+0x1/0x2',
  '[    1.000001][   T2] WARNING: CPU: 1 PID: 8 at drivers/pci/probe.c:123 pci_scan_slot+0x1/0x2',
]

describe('OpenReports', () => {
  test('none is open on a console that printed no failure', async () => {
    const { reports, print } = watched()
    print('[    1.000000][   T1] fine')
    await reports.none()
  })

  test('of two reports that are open at once, both are awaited', async () => {
    const { reports, titles, print } = watched()
    print(...WARNINGS)
    await reports.none()
    expect(titles).toEqual(['WARNING in gnttab_map_refs', 'WARNING in pci_scan_slot'])
  }, 5000)

  test('the first is awaited when the second is whole before it', async () => {
    const { reports, titles, print } = watched()
    print(WARNINGS[0] as string)
    const settled = reports.none()
    print(
      '[    1.000001][   T2] Kernel panic - not syncing: sysrq triggered crash',
      '[    1.000002][   T2] ---[ end Kernel panic - not syncing: sysrq triggered crash ]---',
    )
    expect(titles).toEqual(['kernel panic: sysrq triggered crash'])
    await settled
    expect(titles).toContain('WARNING in gnttab_map_refs')
  }, 5000)

  test('one that begins and ends with the same line leaves nothing open', async () => {
    const { reports, titles, print } = watched()
    print(...WARNINGS, '[    0.000000][    T0] Booting Linux on physical CPU 0x0000000000 [0x410fd034]')
    await reports.none()
    expect(titles).toHaveLength(3)
  }, 5000)
})
