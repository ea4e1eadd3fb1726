// SPDX-License-Identifier: Apache-2.0
import { expect, test } from 'vitest'
import { benchChart } from '../../harness/cli/bench-chart.ts'
import type { BenchReport } from '../../harness/cli/bench-table.ts'

const summary = (...samples: number[]) => ({ median: Number.NaN, min: Number.NaN, max: Number.NaN, samples })

/** What a chart is made of; the rest of the figures is not looked at. */
const report = {
  host: { processors: 2, model: '<script>"&\u0007', load: 0, node: '20.19.0' },
  ...{ qemu: '11', kernel: '6.12', xen: '4.20', rounds: 3 },
  platforms: [
    {
      platform: 'virt',
      bare: { initStarted: summary(500, 400, 300), initAtWork: summary(600, 500, 1000) },
      cold: {
        ...{ qemuStarted: summary(10, 20, 30), initStarted: summary(510, 420, 330) },
        // The guest may be up before its console has said so.
        ...{ initAtWork: summary(720, 730, 740), domainsUp: summary(710, 720, 730) },
        ...{ toggleAnswered: summary(1010, 1020, 1030), stopped: summary(2000, 2000, 2000) },
      },
      restored: {
        ...{ qemuStarted: summary(10, 10, 10), domainsUp: summary(60, 60, 60) },
        toggleAnswered: summary(110, 110, 110),
      },
    },
  ],
} as unknown as BenchReport

test('a bar for each board: medians since exec, in the order in which they came, up to the verdict', () => {
  const svg = benchChart(report)
  const captions = [...svg.matchAll(/class="quiet">(.*)</g)].map(([, words]) => words)
  expect(captions.slice(1)).toEqual([
    'first process 400, init at work 600',
    'first process 400, every domain up 700, init at work 710, toggle answered 1000',
    'every domain up 50, toggle answered 100',
  ])
  expect([...svg.matchAll(/class="end">(.*)</g)].map(([, end]) => end)).toEqual([
    '600 ms',
    '1000 ms',
    '100 ms',
  ])
})

test('what the machine says of itself cannot be more than text', () => {
  const svg = benchChart(report)
  expect(svg).toContain('2 × &lt;script&gt;"&amp;\uFFFD;')
  expect(svg).not.toContain('<script')
  expect(svg).not.toContain('\u0007')
})
