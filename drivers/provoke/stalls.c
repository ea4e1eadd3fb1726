// SPDX-License-Identifier: GPL-2.0-only
/*
 * A processor and a task that do not get on. Each is a thread of its own, so
 * that whoever asked for it is not held up as well.
 */
#include <linux/compiler.h>
#include <linux/completion.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/jiffies.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/preempt.h>

#include "provoke.h"

static unsigned int lockup_seconds = 30;
module_param(lockup_seconds, uint, 0644);
MODULE_PARM_DESC(lockup_seconds,
		 "how long soft-lockup keeps a processor (default: 30; it is reported after twice kernel.watchdog_thresh)");

static DECLARE_COMPLETION(provoke_release);
static DEFINE_MUTEX(provoke_lock);	/* of the two threads */
static struct task_struct *provoke_spinner, *provoke_sleeper;
static bool provoke_over;

/* Calls nothing in its loop, KASAN neither: where it is found is always the same. */
static __no_sanitize_address int provoke_spin(void *unused)
{
	unsigned long end = jiffies + lockup_seconds * HZ;

	preempt_disable();
	while (time_before(jiffies, end) && !READ_ONCE(provoke_over))
		cpu_relax();
	preempt_enable();
	return 0;
}

static int provoke_sleep_for_ever(void *unused)
{
	wait_for_completion(&provoke_release);
	return 0;
}

/* Starts a thread, the only one of its kind until the module goes. */
static int provoke_start(struct task_struct **task, int (*fn)(void *), const char *name)
{
	struct task_struct *started;
	int err = -EBUSY;

	mutex_lock(&provoke_lock);
	if (*task)
		goto out;
	started = kthread_create(fn, NULL, "%s", name);
	err = PTR_ERR_OR_ZERO(started);
	if (err)
		goto out;
	/* It may end before anybody waits for it. */
	*task = get_task_struct(started);
	wake_up_process(started);
out:
	mutex_unlock(&provoke_lock);
	return err;
}

static void provoke_stop(struct task_struct *task)
{
	if (!task)
		return;
	kthread_stop(task);
	put_task_struct(task);
}

static int provoke_soft_lockup(void)
{
	return provoke_start(&provoke_spinner, provoke_spin, "provoke-spin");
}

static int provoke_hung_task(void)
{
	return provoke_start(&provoke_sleeper, provoke_sleep_for_ever, "provoke-sleep");
}

void provoke_stalls_end(void)
{
	WRITE_ONCE(provoke_over, true);
	complete_all(&provoke_release);
	provoke_stop(provoke_spinner);
	provoke_stop(provoke_sleeper);
}

const struct provoke_failure provoke_stalls[] = {
	{ "soft-lockup", provoke_soft_lockup, PROVOKE_SEEN_BY(SOFTLOCKUP_DETECTOR) },
	{ "hung-task", provoke_hung_task, PROVOKE_SEEN_BY(DETECT_HUNG_TASK) },
	{ }
};
