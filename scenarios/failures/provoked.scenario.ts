// SPDX-License-Identifier: Apache-2.0
/** What drivers/provoke does to a kernel, and what the kernel's own report of it comes to. */
import { expect, scenario } from '../../harness/index.ts'

interface Provoked {
  /** What `/dev/provoke` is told. */
  word: string
  kind: string
  title: string
  /** Default: the function of the word's name. */
  frame?: string
  /** The report's first line and its last. */
  first: RegExp
  last: RegExp
  /** Options without which nobody would notice. */
  needs?: string[]
  /** Another failure that the same comes to. */
  also?: string
}

const END_TRACE = /---\[ end trace 0{16} \]---$/

const PROVOKED: readonly Provoked[] = [
  {
    word: 'null-read',
    kind: 'memory-access',
    title: 'BUG: unable to handle kernel NULL pointer dereference in provoke_null_read',
    also: 'KASAN: null-ptr-deref Read in provoke_null_read',
    first: /Unable to handle kernel NULL pointer dereference at virtual address 0{15}8$/,
    last: END_TRACE,
  },
  {
    word: 'null-write',
    kind: 'memory-access',
    title: 'BUG: unable to handle kernel NULL pointer dereference in provoke_null_write',
    also: 'KASAN: null-ptr-deref Write in provoke_null_write',
    first: /Unable to handle kernel NULL pointer dereference at virtual address 0{15}8$/,
    last: END_TRACE,
  },
  {
    word: 'warn',
    kind: 'warning',
    title: 'WARNING in provoke_warn',
    first: /-+\[ cut here \]-+$/,
    last: END_TRACE,
  },
  {
    word: 'bug',
    kind: 'bug',
    title: 'kernel BUG in provoke_bug',
    // arm64 ends the task within the exception of the BUG(), which context tracking then misses the end of.
    also: 'WARNING in ct_kernel_exit',
    first: /-+\[ cut here \]-+$/,
    last: END_TRACE,
  },
  {
    word: 'null-read',
    kind: 'kasan',
    title: 'KASAN: null-ptr-deref Read in provoke_null_read',
    also: 'BUG: unable to handle kernel NULL pointer dereference in provoke_null_read',
    first: /={60,}$/,
    last: /={60,}$/,
    needs: ['CONFIG_KASAN'],
  },
  {
    word: 'use-after-free-read',
    kind: 'kasan',
    title: 'KASAN: slab-use-after-free Read in provoke_use_after_free_read',
    first: /={60,}$/,
    last: /={60,}$/,
    needs: ['CONFIG_KASAN'],
  },
  {
    word: 'use-after-free-write',
    kind: 'kasan',
    title: 'KASAN: slab-use-after-free Write in provoke_use_after_free_write',
    first: /={60,}$/,
    last: /={60,}$/,
    needs: ['CONFIG_KASAN'],
  },
  {
    word: 'double-free',
    kind: 'kasan',
    title: 'KASAN: invalid-free in provoke_double_free',
    first: /={60,}$/,
    last: /={60,}$/,
    needs: ['CONFIG_KASAN'],
  },
  {
    word: 'out-of-bounds',
    kind: 'kasan',
    title: 'KASAN: slab-out-of-bounds Read in provoke_out_of_bounds',
    first: /={60,}$/,
    last: /={60,}$/,
    needs: ['CONFIG_KASAN'],
  },
  {
    word: 'list-corruption',
    kind: 'list-corruption',
    title: 'WARNING: corrupted list in provoke_list_corruption',
    first: /-+\[ cut here \]-+$/,
    last: END_TRACE,
    needs: ['CONFIG_DEBUG_LIST'],
  },
  {
    word: 'lock-inversion',
    kind: 'lockdep',
    title: 'possible deadlock in provoke_other_then_one',
    frame: 'provoke_other_then_one',
    first: /={50,}$/,
    last: /el0t_64_sync/,
    needs: ['CONFIG_PROVE_LOCKING'],
  },
  {
    word: 'sleep-in-atomic',
    kind: 'sleeping-in-atomic',
    title: 'BUG: sleeping function called from invalid context in provoke_sleep_in_atomic',
    first: /BUG: sleeping function called from invalid context at include\/linux\/sched\/mm\.h:\d+$/,
    last: /el0t_64_sync/,
    needs: ['CONFIG_DEBUG_ATOMIC_SLEEP'],
  },
  {
    word: 'schedule-in-atomic',
    kind: 'scheduling-while-atomic',
    title: 'BUG: scheduling while atomic in provoke_schedule_in_atomic',
    first: /BUG: scheduling while atomic: sh\/\d+\/0x\w+$/,
    last: /el0t_64_sync/,
    needs: ['CONFIG_PREEMPT_COUNT'],
  },
]

const exactly = (title: string) => new RegExp(`^${title}$`)

for (const { word, kind, title, frame, first, last, needs, also } of PROVOKED) {
  scenario(
    `${word}: ${title}`,
    {
      platform: ['virt', 'xen'],
      tags: ['failures'],
      drivers: ['provoke'],
      // xenstored in dom0 meets a lock inversion of the kernel's own in drivers/xen/gntdev.c, which lockdep finds.
      board: { dom0: false },
      ...(needs && { kernel: { needs } }),
    },
    async ({ board }) => {
      const guest = board.domain()
      const crash = board.expectCrash(exactly(title))
      if (also) void board.expectCrash(exactly(also))
      await guest.run(`echo ${word} >/dev/provoke`, { mayFail: true })
      const { report, ...failure } = await crash
      expect(failure).toEqual({
        ...{ kind, title, domain: guest.name, complete: true },
        frame: frame ?? `provoke_${word.replaceAll('-', '_')}`,
      })
      expect(report[0]).toMatch(first)
      expect(report.at(-1)).toMatch(last)
      expect(await guest.isAlive()).toBe(true)
    },
  )
}
