// SPDX-License-Identifier: Apache-2.0
import { type FailureRow, linux } from './row.ts'

/** What takes a lock sleeps until another task lets go of it; the big locks stand for all that is done under them. */
const WAITERS = /^(?!_*rtnl_lock)\w*(?:_lock(?:_|$)|_slowlock|rwsem)\w*$/

/** Tasks and processors that do not get on. */
export const HANGS: readonly FailureRow[] = [
  // print_other_cpu_stall(), print_cpu_stall(): kernel/rcu/tree_stall.h, kernel/rcu/tree_exp.h, kernel/rcu/tiny.c
  linux({
    kind: 'rcu-stall',
    word: 'INFO: rcu',
    start: /^(?:rcu: )?INFO: rcu\w* (?:self-)?detected (?:expedited )?stalls?/,
    titles: ['INFO: rcu detected stall in {frame}'],
    frames: ['dispatched'],
    shared: true,
    continues: ['rcu-stall'],
  }),
  // watchdog_timer_fn(): kernel/watchdog.c
  linux({
    kind: 'soft-lockup',
    word: 'BUG: soft lockup',
    start: /^(?:(?:NMI )?watchdog: )?BUG: soft lockup - CPU#\d+/,
    titles: ['BUG: soft lockup in {frame}'],
    frames: ['dispatched'],
    shared: true,
    continues: ['soft-lockup'],
  }),
  // watchdog_hardlockup_check(): kernel/watchdog.c
  linux({
    kind: 'hard-lockup',
    word: 'LOCKUP on cpu',
    start: /^(?:(?:NMI )?watchdog: )?(?:BUG: )?(?:Watchdog detected )?hard LOCKUP on cpu/i,
    titles: ['BUG: hard lockup in {frame}'],
    frames: ['dispatched'],
    shared: true,
  }),
  // check_hung_task(): kernel/hung_task.c
  linux({
    kind: 'hung-task',
    word: "can't die",
    start: /^INFO: task \S.*?:\d+ can't die\b/,
    titles: ["INFO: task can't die in {frame}"],
    innocent: WAITERS,
  }),
  linux({
    kind: 'hung-task',
    word: 'INFO: task ',
    start: /^INFO: task (?:\S.*?:\d+ (?:blocked|can't die)\b.* for more than|.*[^\x20-\x7e])/,
    titles: ['INFO: task hung in {frame}'],
    innocent: WAITERS,
  }),
  // show_workqueue_state(): kernel/workqueue.c
  linux({
    kind: 'workqueue-lockup',
    word: 'BUG: workqueue lockup',
    start: /^BUG: workqueue lockup/,
    titles: ['BUG: workqueue lockup'],
    shared: true,
  }),
  // netdev_wait_allrefs_any(): net/core/dev.c
  linux({
    kind: 'unregister-netdevice',
    word: 'unregister_netdevice: waiting for ',
    start: /^unregister_netdevice: waiting for \S+ to become free/,
    titles: ['unregister_netdevice: waiting for DEV to become free'],
    frames: [],
  }),
]
