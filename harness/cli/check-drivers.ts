// SPDX-License-Identifier: Apache-2.0
import pc from 'picocolors'
import { checkDrivers, type DriverCheck, HostProblem } from '../../images/index.ts'
import { setUpWithProgress } from './set-up-with-progress.ts'

/** Sets the kernels up if need be, and prints a line for each driver and kernel. Tells whether nothing complained. */
export async function checkEveryDriver(kernels: readonly string[]): Promise<boolean> {
  let clean = true
  for (const spec of kernels) {
    const { kernel } = await setUpWithProgress({ kernel: spec })
    if (!kernel.buildTree) {
      throw new HostProblem(
        `there is no build tree around ${kernel.image}`,
        'give an Image in its build tree, or a version',
      )
    }
    for await (const check of checkDrivers(kernel.buildTree)) {
      process.stdout.write(line(check, `${kernel.release}${spec.replace(/^[^+]*/, '')}`))
      clean &&= check.complaints.length === 0
    }
  }
  return clean
}

function line({ driver, sparse, complaints }: DriverCheck, kernel: string): string {
  const state = complaints.length === 0 ? 'ok' : pc.red('complaints')
  const row = [driver.padEnd(20), kernel.padEnd(24), sparse ? 'W=1 sparse' : 'W=1       ', state].join('  ')
  return [row, ...complaints.map((said) => `    ${said}`), ''].join('\n')
}
