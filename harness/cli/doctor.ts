// SPDX-License-Identifier: Apache-2.0
import type { Command } from 'commander'
import type { Inspection } from '../../images/index.ts'

interface DoctorOptions {
  kernel?: string
  xen?: string
}

export function registerDoctor(program: Command): void {
  program
    .command('doctor')
    .description('what is there, in which version, what is missing, and the command that mends it')
    .option('--kernel <spec>', "the guest's kernel, as for run")
    .option('--xen <spec>', 'the hypervisor, as for run')
    .action(async (options: DoctorOptions) => {
      const { inspectImages, missingTools, installCommand } = await import('../../images/index.ts')
      const inspection = await inspectImages(options)
      const tools = missingTools()
      const wanted = Object.entries(options).map(([name, value]) => ` --${name} ${value}`)
      const remedies: Remedies = {
        tools: installCommand(tools),
        setup: `guestrig setup${wanted.join('')}`,
      }
      process.stdout.write(await page(inspection, remedies))
      process.exitCode = inspection.findings.every(({ state }) => state === 'ok') ? 0 : 125
    })
}

interface Remedies {
  tools: string
  setup: string
}

/** The table as text, and below it the commands that mend what is not right. */
async function page({ cache, findings, others, snapshots }: Inspection, remedies: Remedies): Promise<string> {
  const { default: prettyBytes } = await import('pretty-bytes')
  const { default: pc } = await import('picocolors')
  const size = (bytes: number | undefined) => (bytes === undefined ? '' : prettyBytes(bytes))
  const rows = [
    ['what', 'version', 'state', 'size', ''],
    ['Node.js', process.versions.node, 'ok', '', ''],
    ...findings.map((finding) => [
      finding.label ? `${finding.step} ${finding.label}` : finding.step,
      finding.version ?? '',
      finding.state,
      size(finding.size),
      finding.detail ?? '',
    ]),
  ]
  const widths = [0, 1, 2, 3].map((column) => Math.max(...rows.map((row) => (row[column] ?? '').length)))
  const paint = (line: string, state = '') => (state === 'ok' || state === 'state' ? line : pc.yellow(line))
  const table = rows.map((row) =>
    paint(
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
      row[2],
    ),
  )
  const broken = findings.filter(({ state }) => state !== 'ok')
  const mend = [
    ...(broken.some(({ step }) => step === 'host tools') ? [remedies.tools] : []),
    ...(broken.some(({ step }) => step !== 'host tools') ? [remedies.setup] : []),
  ]
  return [
    ...table,
    '',
    `cache: ${cache}`,
    `  ${prettyBytes(snapshots)} of snapshots, ${prettyBytes(others)} for other kernels and older versions`,
    ...mend.map((command) => `→ ${command}`),
    '',
  ].join('\n')
}
