// SPDX-License-Identifier: Apache-2.0
export { junitReport } from './junit.ts'
export {
  exitStatus,
  makeResults,
  type Results,
  type RunIdentity,
  type ScenarioResult,
  scenarioResult,
  totalsOf,
} from './results.ts'
export { ScenarioReporter } from './scenario-reporter.ts'
