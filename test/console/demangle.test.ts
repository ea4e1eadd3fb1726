// SPDX-License-Identifier: Apache-2.0
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { failuresOf } from '../../harness/console/index.ts'
import { demangle } from '../../harness/console/report/demangle.ts'

describe('a mangled name', () => {
  // The examples of RFC 2603 and of the rustc book's chapter on the v0 symbol format among them.
  test.each([
    ['_RNvCskwGfYPst2Cb_3foo16example_function', 'foo::example_function'],
    ['_RNvNtCs1234_7mycrate3foo3bar', 'mycrate::foo::bar'],
    ['_RNCNvCsgStHSCytQ6I_7mycrate4main0B3_', 'mycrate::main::{closure#0}'],
    ['_RNvMs_CsgStHSCytQ6I_7mycrateNtB4_7Example3foo', '<mycrate::Example>::foo'],
    ['_RNvXCsgStHSCytQ6I_7mycrateNtB2_7ExampleNtB2_5Trait3foo', '<mycrate::Example as mycrate::Trait>::foo'],
    ['_RINvCsgStHSCytQ6I_7mycrate7examplelE', 'mycrate::example::<i32>'],
    ['_RINvCsgStHSCytQ6I_7mycrate7exampleRShKj1_E', 'mycrate::example::<&[u8], 1>'],
    ['_RINvCs1_1a1bFUKCPhEuE', undefined],
    ['_RINvCs1_1a1bTlyEL_E', "a::b::<(i32, u64), '_>"],
    [
      '_RNvXs1_CscPPBqWtAqum_11ashmem_rustNtB5_6AshmemNtNtCs43vyB533jt3_6kernel10miscdevice10MiscDevice4mmap',
      '<ashmem_rust::Ashmem as kernel::miscdevice::MiscDevice>::mmap',
    ],
    ['_ZN4core9panicking5panic17h0123456789abcdefE', 'core::panicking::panic'],
    ['_ZN50_$LT$foo..Bar$u20$as$u20$core..fmt..Debug$GT$3fmt17h0123456789abcdefE', undefined],
    [
      '_ZN45_$LT$foo..Bar$u20$as$u20$core..fmt..Debug$GT$3fmt17h0123456789abcdefE',
      '<foo::Bar as core::fmt::Debug>::fmt',
    ],
    ['_Z8fakeNameiii', 'fakeName'],
    ['_ZN3foo3barEv', 'foo::bar'],
    ['_ZN3foo3barILi4EE3bazEv', undefined],
    ['_Zls', undefined],
    ['_RNvB_3foo', undefined],
    ['_raw_spin_lock', undefined],
    ['_R', undefined],
  ])('%s is %s', (symbol, name) => {
    expect(demangle(symbol)).toBe(name ?? symbol)
  })

  test('that is none at all, or refers to itself, neither throws nor grows', () => {
    const letters = fc.constantFrom(...'CMXYNIBEKLRSTAFDGUspnvt_0123456789ab'.split(''))
    fc.assert(
      fc.property(
        fc.constantFrom('_R', '_RI', '_RNv', '_ZN', '_Z'),
        fc.array(letters, { maxLength: 60 }),
        (begin, rest) => {
          expect(demangle(begin + rest.join('')).length).toBeLessThan(4096)
        },
      ),
      { seed: 4, numRuns: 5000 },
    )
    expect(demangle(`_RINvC1a1b${'TB8_B8_E'.repeat(200)}E`).length).toBeLessThan(4096)
  })

  test('stands in title and frame as its source has it', () => {
    const fn = '_RNvNtCs1234_7mycrate3foo3bar'
    const [failure] = failuresOf([
      `WARNING: CPU: 1 PID: 77 at a.rs:12 ${fn}+0x1c/0x80`,
      'Call trace:',
      ` ${fn}+0x1c/0x80`,
    ])
    expect(failure).toMatchObject({ title: 'WARNING in mycrate::foo::bar', frame: 'mycrate::foo::bar' })
  })
})
