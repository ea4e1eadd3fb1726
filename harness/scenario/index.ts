// SPDX-License-Identifier: Apache-2.0
export type { Outcome } from './outcome.ts'
export { type Declared, takeDeclared } from './registry.ts'
export { type RunRequest, requestEnvironment } from './run-request.ts'
export { type ScenarioContext, type ScenarioOptions, scenario } from './scenario.ts'
