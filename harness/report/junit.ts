// SPDX-License-Identifier: Apache-2.0
import type { Builder } from 'junit-report-builder'
import { printable } from '../console/index.ts'
import type { ScenarioResult } from './results.ts'

/** The results as JUnit's XML, a suite for each file; a crash or a hang is a failure, what could not be tried is an error. */
export async function junitReport(scenarios: readonly ScenarioResult[]): Promise<string> {
  // Few runs want it. Its types speak of the module as CommonJS has it.
  const { default: junit } = await import('junit-report-builder')
  const builder = (junit as unknown as Builder).newBuilder()
  for (const file of new Set(scenarios.map((scenario) => scenario.file))) {
    const suite = builder.testSuite().name(file)
    for (const { name, verdict, durationMs, message, artifacts } of scenarios.filter(
      (s) => s.file === file,
    )) {
      const test = suite
        .testCase()
        .className(file)
        .name(name)
        .time(durationMs / 1000)
      if (verdict === 'skip') test.skipped()
      if (verdict === 'pass' || verdict === 'skip') continue
      // The builder parts only the first end of a CDATA section that stands in a text.
      const text = printable(message).replaceAll(']]>', ']] >')
      const title = text.split('\n')[0] ?? ''
      if (verdict === 'error') test.error(title, verdict, text)
      else test.failure(title, verdict).stacktrace(text)
      test.standardOutput(artifacts.dir)
    }
  }
  return builder.build()
}
