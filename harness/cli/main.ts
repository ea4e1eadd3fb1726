// SPDX-License-Identifier: Apache-2.0
/** The command line: `guestrig COMMAND`. Commands load what they need when they are called, so that `--help` is quick. */
import { Command, CommanderError } from 'commander'
import { registerBench } from './bench.ts'
import { registerDoctor } from './doctor.ts'
import { registerDrivers } from './drivers.ts'
import { registerExplain } from './explain.ts'
import { registerList } from './list.ts'
import { registerRun } from './run.ts'
import { registerSetup } from './setup.ts'
import { registerShell } from './shell.ts'
import { registerStart } from './start.ts'
import { registerTest } from './test.ts'
import { Exit, UsageError } from './usage.ts'

const program = new Command('guestrig')
  .description('Real Linux guests on real Xen on an emulated Arm machine, scripted in TypeScript.')
  .showHelpAfterError('(guestrig --help shows what there is)')
  .exitOverride()

registerStart(program)
registerSetup(program)
registerDoctor(program)
registerExplain(program)
registerList(program)
registerRun(program)
registerShell(program)
registerTest(program)
registerBench(program)
registerDrivers(program)

for (const command of program.commands)
  command.exitOverride().showHelpAfterError(`usage: guestrig ${command.name()} ${command.usage()}`)

/** Exit status for what a command threw, and its one message. */
function conclude(error: unknown): number {
  if (error instanceof CommanderError) return error.exitCode === 0 ? Exit.ok : Exit.usage
  if (error instanceof UsageError) {
    process.stderr.write(
      `error: ${error.message}\nusage: guestrig ${process.argv[2] ?? ''} … (guestrig --help shows what there is)\n`,
    )
    return Exit.usage
  }
  if (error instanceof Error && error.name === 'AbortError') return Exit.interrupted
  if (error instanceof Error && 'remedy' in error) {
    process.stderr.write(`error: ${error.message}\n→ ${error.remedy}\n`)
    return Exit.notTried
  }
  process.stderr.write(`guestrig itself failed: ${error instanceof Error ? error.stack : String(error)}\n`)
  return Exit.notTried
}

try {
  await program.parseAsync()
} catch (error) {
  process.exitCode = conclude(error)
}
