// SPDX-License-Identifier: Apache-2.0
export { type Expect, expect } from './expect.ts'
export { allGone } from './leaving.ts'
export type { Outcome } from './outcome.ts'
export { type ScenarioRun, type Surroundings, takeDeclared, titleOf } from './registry.ts'
export { type RunRequest, setRequest } from './run-request.ts'
export { declareTest, type ScenarioContext, type ScenarioOptions, scenario } from './scenario.ts'
