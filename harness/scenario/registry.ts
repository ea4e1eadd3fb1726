// SPDX-License-Identifier: Apache-2.0
import type { PlatformName } from '../platform/index.ts'

export interface Declared {
  name: string
  platform: PlatformName
  tags: string[]
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
