// SPDX-License-Identifier: Apache-2.0
/**
 * The `expect` of scenarios: Vitest's, put together from its parts. The one that `vitest` exports works in Vitest's own processes only.
 */
import {
  ASYMMETRIC_MATCHERS_OBJECT,
  type Assertion,
  customMatchers,
  type ExpectStatic,
  getState,
  JestAsymmetricMatchers,
  JestChaiExpect,
  JestExtend,
  type MatcherState,
  type MatchersObject,
  setState,
} from '@vitest/expect'
import { getCurrentTest } from '@vitest/runner'
import * as chai from 'chai'
import { type BoardMatchers, type ConsoleMatchers, matchers } from './matchers.ts'

declare module '@vitest/expect' {
  // biome-ignore lint/suspicious/noExplicitAny: Vitest's own interface has this type parameter
  interface Assertion<T = any> extends ConsoleMatchers<T>, BoardMatchers<T> {}
}

chai.use(JestExtend)
chai.use(JestChaiExpect)
chai.use(JestAsymmetricMatchers)

/** What `@vitest/expect` adds to chai without a type. */
interface Extended {
  extend(expect: object, matchers: MatchersObject): void
}
interface Flagged {
  withTest(test: object): Assertion
  withContext(flags: { soft: boolean }): Assertion
}

type Asymmetric = Pick<
  ExpectStatic,
  | 'any'
  | 'anything'
  | 'arrayContaining'
  | 'closeTo'
  | 'not'
  | 'objectContaining'
  | 'stringContaining'
  | 'stringMatching'
>

/** Vitest's `expect`, with what can be claimed of consoles and boards. */
export interface Expect extends Asymmetric {
  <T>(actual: T, message?: string): Assertion<T>
  /** Goes on after a failure; the scenario fails at its end. */
  soft: <T>(actual: T, message?: string) => Assertion<T>
  /** Adds matchers of one's own. */
  extend: (matchers: MatchersObject) => void
}

function assertion(actual: unknown, message?: string): Assertion {
  const { assertionCalls } = getState<MatcherState>(expect as ExpectStatic)
  setState<MatcherState>({ assertionCalls: assertionCalls + 1 }, expect as ExpectStatic)
  const plain = chai.expect(actual, message) as unknown as Assertion
  const test = getCurrentTest()
  return test ? (plain as unknown as Flagged).withTest(test) : plain
}

export const expect: Expect = Object.assign(assertion, chai.expect as unknown as Asymmetric, {
  ...(globalThis as unknown as Record<symbol, object>)[ASYMMETRIC_MATCHERS_OBJECT],
  soft: (actual: unknown, message?: string) =>
    (assertion(actual, message) as unknown as Flagged).withContext({ soft: true }),
  extend: (more: MatchersObject) => (chai.expect as unknown as Extended).extend(expect, more),
})

setState<MatcherState>({ assertionCalls: 0 }, expect as ExpectStatic)
expect.extend(customMatchers)
expect.extend(matchers)
