// SPDX-License-Identifier: Apache-2.0
import type { TestContext } from '@vitest/runner'
import type { Images } from '../../images/index.ts'
import type { PlatformName } from '../platform/index.ts'

/** A scenario on one of its platforms. */
export interface ScenarioRun {
  name: string
  platform: PlatformName
  tags: string[]
}

/** What is going on around one run of a scenario. */
export interface Surroundings {
  /** Whether other runs keep all processors of this machine busy. */
  crowded: boolean
  /** What boards are made of; those that `guestrig setup` makes if nobody has looked for others. */
  images?: Images
}

/** A scenario's declaration: what it is, and how it is run. */
export interface Declared extends ScenarioRun {
  run: (context: TestContext, surroundings: Surroundings) => Promise<void>
}

const declared: Declared[] = []

/** Notes a scenario when its file is loaded. */
export function declare(scenario: Declared): void {
  declared.push(scenario)
}

/** The scenarios declared since the last call. */
export function takeDeclared(): Declared[] {
  return declared.splice(0)
}

/** What a run is called, on the terminal and in results. */
export const titleOf = ({ name, platform }: ScenarioRun): string => `${name} [${platform}]`
