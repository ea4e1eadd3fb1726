// SPDX-License-Identifier: Apache-2.0
/** Processors and tasks that do not get on: found by the kernel's own watchdogs, whose patience is short here. */
import { expect, scenario } from '../../harness/index.ts'

scenario(
  'soft-lockup: the report of the watchdog, and the guest goes on',
  {
    platform: ['virt', 'xen'],
    tags: ['failures'],
    board: { dom0: false },
    drivers: [{ name: 'provoke', parameters: { lockup_seconds: '5' } }],
    kernel: { needs: ['CONFIG_SOFTLOCKUP_DETECTOR'] },
  },
  async ({ board }) => {
    const guest = board.domain()
    const crash = board.expectCrash(/^BUG: soft lockup in provoke_spin$/)
    // It reports after twice that: 2 s.
    await guest.run('echo 1 >/proc/sys/kernel/watchdog_thresh')
    await guest.run('echo soft-lockup >/dev/provoke', { timeout: 20_000 })
    const { report, ...failure } = await crash
    expect(failure).toEqual({
      ...{ kind: 'soft-lockup', title: 'BUG: soft lockup in provoke_spin', frame: 'provoke_spin' },
      ...{ domain: guest.name, complete: true },
    })
    expect(report[0]).toMatch(/watchdog: BUG: soft lockup - CPU#\d+ stuck for \d+s! \[provoke-spin:\d+\]$/)
    expect(report.at(-1)).toMatch(/ret_from_fork\+/)
    // It ends the thread, or waits for its end.
    await guest.unloadDriver('provoke')
  },
)

scenario(
  'hung-task: the report of khungtaskd, and the guest goes on',
  {
    platform: ['virt', 'xen'],
    tags: ['failures'],
    board: { dom0: false },
    drivers: ['provoke'],
    kernel: { needs: ['CONFIG_DETECT_HUNG_TASK'] },
  },
  async ({ board }) => {
    const guest = board.domain()
    const crash = board.expectCrash(/^INFO: task hung in provoke_sleep_for_ever$/)
    // Reported once: a second report may be printed while the driver is unloaded, and show a task that ends.
    await guest.run('cd /proc/sys/kernel; echo 1 >hung_task_warnings; echo 1 >hung_task_timeout_secs')
    await guest.run('echo hung-task >/dev/provoke')
    const { report, ...failure } = await crash
    expect(failure).toEqual({
      ...{ kind: 'hung-task', title: 'INFO: task hung in provoke_sleep_for_ever' },
      ...{ frame: 'provoke_sleep_for_ever', domain: guest.name, complete: true },
    })
    expect(report[0]).toMatch(/INFO: task provoke-sleep:\d+ blocked for more than \d+ seconds\.$/)
    // With lockdep, a list of all locks that are held follows, down to a rule.
    expect(report.at(-1)).toMatch(/ret_from_fork\+|={40,}$/)
    await guest.unloadDriver('provoke')
  },
)
