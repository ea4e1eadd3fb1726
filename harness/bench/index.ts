// SPDX-License-Identifier: Apache-2.0
export { type BenchOptions, bench, type PlatformFigures } from './bench.ts'
export { LINES, type Line, MILESTONES, type Milestone } from './milestones.ts'
export { benchModels, type ModelFigure } from './models.ts'
export type { Ratio, Summary } from './statistics.ts'
