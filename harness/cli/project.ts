// SPDX-License-Identifier: Apache-2.0
import { dirname, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder that holds this checkout. */
export const PROJECT = resolve(dirname(fileURLToPath(import.meta.url)), '../..')

/** Where the scenario scripts are, and how their names end. */
export const SCENARIOS = 'scenarios'
export const SCENARIO_ENDING = '.scenario.ts'
