// SPDX-License-Identifier: Apache-2.0
export { VirtioFunction, type VirtioFunctionOptions } from './function.ts'
export type { Queue } from './transport.ts'
