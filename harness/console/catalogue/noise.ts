// SPDX-License-Identifier: Apache-2.0

/** Lines that a row would take for a failure and that are none, each with its reason. */
export const NOISE: readonly { line: RegExp; because: string }[] = [
  { line: /^INFO: lockdep is turned off/, because: 'it says that lockdep has reported before' },
  { line: /^INFO: NMI handler \(/, because: 'an emulated or loaded machine is slow' },
  { line: /^INFO: Stall ended before state dump start/, because: 'the stall is over' },
]

export const isNoise = (text: string): boolean => NOISE.some(({ line }) => line.test(text))
