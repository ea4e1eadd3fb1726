// SPDX-License-Identifier: GPL-2.0-only
/* What lockdep and the checks for sleep in atomic context find. Nothing waits for ever. */
#include <linux/delay.h>
#include <linux/mutex.h>
#include <linux/preempt.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "provoke.h"

static DEFINE_MUTEX(provoke_one);
static DEFINE_MUTEX(provoke_other);
static DEFINE_SPINLOCK(provoke_spinlock);

static noinline void provoke_one_then_other(void)
{
	mutex_lock(&provoke_one);
	mutex_lock(&provoke_other);
	mutex_unlock(&provoke_other);
	mutex_unlock(&provoke_one);
}

static noinline void provoke_other_then_one(void)
{
	mutex_lock(&provoke_other);
	mutex_lock(&provoke_one);
	mutex_unlock(&provoke_one);
	mutex_unlock(&provoke_other);
}

/* One task alone: nothing hangs, and lockdep knows that two would. */
static int provoke_lock_inversion(void)
{
	provoke_one_then_other();
	provoke_other_then_one();
	return 0;
}

static noinline int provoke_sleep_in_atomic(void)
{
	void *memory;

	spin_lock(&provoke_spinlock);
	memory = kmalloc(64, GFP_KERNEL);
	spin_unlock(&provoke_spinlock);
	kfree(memory);
	return 0;
}

/* msleep() does not say beforehand that it may sleep: the scheduler finds out. */
static noinline int provoke_schedule_in_atomic(void)
{
	preempt_disable();
	msleep(20);
	/* It has put the count right. */
	if (preempt_count())
		preempt_enable();
	return 0;
}

const struct provoke_failure provoke_locking[] = {
	{ "lock-inversion", provoke_lock_inversion, PROVOKE_SEEN_BY(PROVE_LOCKING) },
	{ "sleep-in-atomic", provoke_sleep_in_atomic, PROVOKE_SEEN_BY(DEBUG_ATOMIC_SLEEP) },
	{ "schedule-in-atomic", provoke_schedule_in_atomic, PROVOKE_SEEN_BY(PREEMPT_COUNT) },
	{ }
};
