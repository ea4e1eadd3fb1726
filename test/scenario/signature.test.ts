// SPDX-License-Identifier: Apache-2.0
/** Two runs of one failure have one signature: over reports of real guests, from two runs each (the second one of sysrq under Xen). */
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { DeadlineExpired, failuresOf, GuestCrash } from '../../harness/console/index.ts'
import { signatureOf } from '../../harness/scenario/outcome.ts'

async function signature(name: string): Promise<{ signature: string; lines: string[] }> {
  const text = await readFile(join(import.meta.dirname, 'reports', `${name}.txt`), 'utf8')
  const lines = text.trimEnd().split('\n')
  const failures = failuresOf(lines, 'DomU')
  expect(failures).toHaveLength(1)
  const [failure] = failures
  if (!failure) throw new Error(`${name}: no failure`)
  return { signature: signatureOf('crash', new GuestCrash(failure)), lines }
}

describe('the signature of a verdict', () => {
  test.each([
    ['ecam', 'crash: BUG: unable to handle kernel ttbr address size fault in pci_generic_config_read'],
    ['sysrq', 'crash: kernel panic: sysrq triggered crash'],
  ])('is the same for two runs: %s', async (name, expected) => {
    const [one, other] = await Promise.all([signature(`${name}-1`), signature(`${name}-2`)])
    expect(one.lines).not.toEqual(other.lines)
    expect([one.signature, other.signature]).toEqual([expected, expected])
  })

  test('tells functions apart whose names differ in a number', () => {
    const crash = (fn: string) =>
      signatureOf(
        'crash',
        new GuestCrash({
          ...{ kind: 'warning', domain: 'DomU', complete: true, report: [] },
          title: `WARNING in ${fn}`,
        }),
      )
    expect(crash('foo_v1')).not.toBe(crash('foo_v2'))
  })

  test('of a wait does not change with its time', () => {
    const waited = (ms: number) =>
      signatureOf('fail', new DeadlineExpired(`nothing within ${ms} ms at 0x${ms}\nlines`))
    expect(waited(1234)).toBe(waited(99))
  })
})
