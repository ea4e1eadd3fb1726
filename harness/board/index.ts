// SPDX-License-Identifier: Apache-2.0
export { describeEnding, Emulator, type EmulatorSpec, type Ending, INHERITED_RAM } from './emulator.ts'
export { guarded } from './guard.ts'
export { ramFileArguments, restoreArguments, restored, saveState, TO_BE_SAVED } from './migration.ts'
export { namelessFile } from './nameless-file.ts'
export { notWhole } from './not-whole.ts'
export { QmpError } from './qmp.ts'
export type { QTest } from './qtest.ts'
export { writeReproducer } from './reproduce.ts'
