// SPDX-License-Identifier: Apache-2.0
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

/** The first line of a compiler's --version; "none" where there is no such compiler, so that nothing matches it. */
export async function compilerVersion(compiler: string): Promise<string> {
  try {
    const { stdout } = await promisify(execFile)(compiler, ['--version'], {
      env: { ...process.env, LC_ALL: 'C' },
    })
    return stdout.split('\n')[0] ?? ''
  } catch {
    return 'none'
  }
}
