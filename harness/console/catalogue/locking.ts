// SPDX-License-Identifier: Apache-2.0
import { type FailureRow, linux } from './row.ts'

/** `[ BUG: … ]` and `[ INFO: … ]` were the frame of older kernels, `WARNING: …` is today's. */
const lockdep = (pattern: string, word: string, title: string, more: Partial<FailureRow> = {}): FailureRow =>
  linux({
    kind: 'lockdep',
    word,
    start: new RegExp(`^(?:\\[ )?(?<level>WARNING|BUG|INFO): ${pattern}`, 'i'),
    titles: [title],
    frames: ['lock', 'trace', 'below', 'aside'],
    ...more,
  })

/** kernel/locking/lockdep.c, kernel/locking/spinlock_debug.c and what they guard. */
export const LOCKING: readonly FailureRow[] = [
  // print_circular_bug(), print_deadlock_bug(), print_irq_inversion_bug(), print_bad_irq_dependency()
  lockdep(
    'possible (?:circular locking|recursive locking|irq lock inversion)',
    'possible ',
    'possible deadlock in {frame}',
  ),
  lockdep(
    '[\\w-]+-safe -> [\\w-]+-unsafe lock order detected',
    'lock order detected',
    'possible deadlock in {frame}',
    { frames: ['aside', 'lock', 'trace'] },
  ),
  lockdep('(?:\\S+ )?lock order detected', 'lock order detected', 'possible deadlock in {frame}'),
  // print_usage_bug()
  lockdep('inconsistent lock state', 'inconsistent lock state', 'inconsistent lock state in {frame}'),
  // print_unlock_imbalance_bug()
  lockdep('bad unlock balance detected', 'bad unlock balance', '{level}: bad unlock balance in {frame}'),
  lockdep('bad contention detected', 'bad contention', '{level}: bad contention in {frame}'),
  // print_freed_lock_bug()
  lockdep('held lock freed', 'held lock freed', '{level}: held lock freed in {frame}'),
  // print_held_locks_bug(), lockdep_sys_exit()
  lockdep(
    '.*still has locks held',
    'still has locks held',
    '{level}: still has locks held in {holder}',
    HELD(),
  ),
  lockdep(
    'lock held when returning to user space',
    'lock held when',
    '{level}: lock held when returning to user space in {holder}',
    HELD(),
  ),
  // check_no_locks_held() of older kernels
  lockdep(
    'lock held at task exit time',
    'lock held at task exit',
    '{level}: lock held at task exit time in {holder}',
    HELD(),
  ),
  // print_lock_nested_lock_not_held()
  lockdep(
    'nested lock was not taken',
    'ested lock was not taken',
    '{level}: nested lock was not taken in {frame}',
  ),
  // print_lock_invalid_wait_context()
  lockdep('invalid wait context', 'nvalid wait context', 'WARNING: locking bug in {frame}'),
  // lockdep_rcu_suspicious()
  lockdep('suspicious RCU usage', 'suspicious RCU usage', '{level}: suspicious RCU usage in {frame}'),
  // register_lock_class()
  lockdep(
    'trying to register non-static key',
    'non-static key',
    'INFO: trying to register non-static key in {frame}',
  ),
  // spin_bug(), rwlock_bug(): kernel/locking/spinlock_debug.c
  linux({
    kind: 'spinlock',
    word: 'BUG: ',
    start: /^BUG: (?<what>(?:spinlock|rwlock)(?: [a-z-]+)+?)(?: on CPU#\d+|, )/,
    titles: ['BUG: {what} in {frame}'],
  }),
  // __might_resched(), __schedule_bug(): kernel/sched/core.c
  linux({
    kind: 'sleeping-in-atomic',
    word: 'sleeping function called',
    start: /^BUG: sleeping function called from invalid context/,
    titles: ['BUG: sleeping function called from invalid context in {frame}'],
  }),
  linux({
    kind: 'scheduling-while-atomic',
    word: 'scheduling while atomic',
    start: /^BUG: scheduling while atomic/,
    titles: ['BUG: scheduling while atomic in {frame}'],
  }),
  // check_preemption_disabled(): lib/smp_processor_id.c
  linux({
    kind: 'preemptible',
    word: 'in preemptible',
    start: /^BUG: using (?<what>\S+) in preemptible/,
    titles: ['BUG: using {what} in preemptible code in {frame}'],
  }),
  // process_one_work(): kernel/workqueue.c
  linux({
    kind: 'workqueue-leak',
    word: 'BUG: workqueue leaked',
    start: /^BUG: workqueue leaked (?<what>lock or atomic|atomic, lock or RCU)/,
    titles: ['BUG: workqueue leaked {what} in {worker}', 'BUG: workqueue leaked {what}'],
    details: { worker: /last function: (\w+)/ },
  }),
]

/** The function that took the lock is printed beside it. */
function HELD(): Partial<FailureRow> {
  return { details: { holder: /#0: .*, at: (?:\[<[^>]*>\] )?([\w]+)/ } }
}
