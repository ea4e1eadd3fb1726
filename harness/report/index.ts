// SPDX-License-Identifier: Apache-2.0
export { exitStatus, makeResults, type Results, type RunIdentity } from './results.ts'
export { ScenarioReporter } from './scenario-reporter.ts'
