// SPDX-License-Identifier: Apache-2.0
export { type BenchOptions, bench } from './bench.ts'
export { benchCommands } from './commands.ts'
export type { Figure } from './figure.ts'
export { LINES, type Line, MILESTONES, type Milestone } from './milestones.ts'
export { benchModels } from './models.ts'
export type { PlatformFigures } from './platform-figures.ts'
export { type Ratio, type Summary, summarize } from './statistics.ts'
export { benchSuite } from './suite.ts'
