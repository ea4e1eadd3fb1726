// SPDX-License-Identifier: Apache-2.0
import { HostProblem } from '../../images/index.ts'

/** What it means that `file` could not be written to. */
export const notWhole = (file: string, error: Error): HostProblem =>
  new HostProblem(`${file} is not whole: ${error.message}`, 'Is there room on the disk?')
