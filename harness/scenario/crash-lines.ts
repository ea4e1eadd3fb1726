// SPDX-License-Identifier: Apache-2.0
import { type Kernel, Symbols, withSourceLines } from '../../images/index.ts'
import { GuestCrash } from '../console/index.ts'

/** The same error; a crash of the guest with the lines of its source in the report, where the kernel or a driver has debug info. */
export async function withCrashLines(error: unknown, kernel: Kernel | undefined): Promise<unknown> {
  if (!(error instanceof GuestCrash) || !kernel) return error
  // What fails here must not hide the crash.
  const report = await linesOf(error.failure.report, kernel).catch(() => undefined)
  if (!report) return error
  return Object.assign(new GuestCrash({ ...error.failure, report }), { cause: error.cause })
}

async function linesOf(report: readonly string[], kernel: Kernel): Promise<string[] | undefined> {
  const symbols = await Symbols.of(kernel)
  return symbols && (await withSourceLines(report, symbols))
}
