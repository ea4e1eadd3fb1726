// SPDX-License-Identifier: Apache-2.0
import { chmod, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { EmulatorSpec } from './emulator.ts'

const quote = (word: string): string =>
  /^[\w@%+=:,./-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`

/** Options and their values on lines of their own. */
function lines(args: string[]): string[] {
  return args.reduce<string[]>((sofar, word) => {
    if (word.startsWith('-') || sofar.length === 0) sofar.push(quote(word))
    else sofar.push(`${sofar.pop()} ${quote(word)}`)
    return sofar
  }, [])
}

export interface Reproduction extends Omit<EmulatorSpec, 'qemu' | 'ram'> {
  /** The start of QEMU's argv. */
  command: string[]
  /** Names of the device models: they are served by guestrig, so the script's machine is without them. */
  leftOut: readonly string[]
}

/**
 * Writes `reproduce.sh` into the run's folder: the same QEMU command line, runnable without guestrig. The first UART is on the
 * terminal, the other UARTs go to files, and nobody speaks to the agents. It says what it leaves out.
 */
export async function writeReproducer(spec: Reproduction): Promise<void> {
  const uart = (id: string, index: number) =>
    index === 0 ? `stdio,id=${id},signal=on` : `file,id=${id},path=${id}.reproduced`
  const wires = [...spec.uarts.map(uart), ...spec.wires.map((id) => `null,id=${id}`)]
  const script = [
    '#!/bin/sh',
    '# The machine of this run on bare QEMU. Ctrl-C ends it.',
    ...spec.leftOut.map((name) => `# Left out: ${name}, a device model that needs guestrig.`),
    'cd "$(dirname "$0")" || exit 1',
    `exec ${lines([...spec.command, ...spec.args, ...wires.flatMap((wire) => ['-chardev', wire]), '"$@"'])
      .join(' \\\n  ')
      .replace(`'"$@"'`, '"$@"')}`,
    '',
  ].join('\n')
  const file = join(spec.dir, 'reproduce.sh')
  await writeFile(file, script)
  await chmod(file, 0o755)
}
