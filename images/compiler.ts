// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { CROSS_COMPILE } from './kernel.ts'

/** The first line of the cross compiler's --version; "none" where there is no compiler, so that nothing matches it. */
export async function compilerVersion(): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(`${CROSS_COMPILE}gcc`, ['--version'], {
      env: { ...process.env, LC_ALL: 'C' },
    })
    return stdout.split('\n')[0] ?? ''
  } catch {
    return 'none'
  }
}
