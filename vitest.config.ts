// SPDX-License-Identifier: Apache-2.0
import { defineConfig } from 'vitest/config'

/** The tests of the harness itself, and the scenarios with them: `npm test`. `guestrig run` has a configuration of its own. */
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts', 'scenarios/**/*.scenario.ts'],
    pool: 'forks',
    isolate: false,
    // A board is emulated on all cores already; its own deadlines are in the scenarios.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    coverage: { provider: 'v8', include: ['harness/**', 'images/**'] },
  },
})
