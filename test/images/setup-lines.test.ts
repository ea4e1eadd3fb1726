// SPDX-License-Identifier: Apache-2.0
import { describe, expect, it } from 'vitest'
import { amountText, stepTitle, timeText } from '../../harness/cli/setup-lines.ts'

describe('the lines of a set-up', () => {
  it('say which step of how many', () => {
    expect(stepTitle({ step: 'kernel', label: '6.12' })).toBe('[4/11] kernel 6.12')
    expect(stepTitle({ step: 'initramfs' })).toBe('[11/11] initramfs')
  })

  it('say how far', () => {
    expect(amountText({ done: 45e6, total: 153e6, unit: 'bytes' }, 'fetched')).toBe(
      'fetched 45 MB of 153 MB (29 %)',
    )
    expect(amountText({ done: 3, total: 73, unit: 'packages' }, 'unpacking')).toBe(
      'unpacking 3 of 73 packages (4 %)',
    )
    expect(amountText({ done: 500, total: 39_000, unit: 'files' }, 'unpacked')).toBe(
      'unpacked 500 of about 39000 files (1 %)',
    )
    expect(amountText({ done: 412, total: 890, unit: 'objects' }, 'compiled')).toBe(
      'compiled 412 of about 890 objects (46 %)',
    )
    expect(amountText({ done: 12, unit: 'objects' })).toBe('12 objects')
  })

  it('say how long', () => {
    expect([0, 460, 4500, 72_400].map(timeText)).toEqual(['0.0s', '0.5s', '4.5s', '1m 12s'])
  })
})
