// SPDX-License-Identifier: GPL-2.0-only
/*
 * Provokes one failure of the kernel on request, so that whoever reads its
 * console can be tested with real reports: a word is written to /dev/provoke.
 * See README.md.
 */
#define pr_fmt(fmt) "provoke: " fmt

#include <linux/fs.h>
#include <linux/kernel.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/printk.h>
#include <linux/string.h>
#include <linux/uaccess.h>

#include "provoke.h"

#define PROVOKE_LONGEST	32	/* bytes of a word, with its end */

static const struct provoke_failure *const provoke_tables[] = {
	provoke_checks, provoke_memory, provoke_locking, provoke_stalls,
};

static const struct provoke_failure *provoke_find(const char *name)
{
	const struct provoke_failure *failure;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(provoke_tables); i++)
		for (failure = provoke_tables[i]; failure->name; failure++)
			if (sysfs_streq(name, failure->name))
				return failure;
	return NULL;
}

static ssize_t provoke_write(struct file *file, const char __user *words, size_t count,
			     loff_t *ppos)
{
	const struct provoke_failure *failure;
	char name[PROVOKE_LONGEST];
	int err;

	if (count >= sizeof(name))
		return -EINVAL;
	if (copy_from_user(name, words, count))
		return -EFAULT;
	name[count] = '\0';
	failure = provoke_find(name);
	if (!failure) {
		pr_err("no failure '%s'\n", strim(name));
		return -EINVAL;
	}
	if (failure->unseen) {
		pr_err("%s: nobody would notice, the kernel has no %s\n", failure->name,
		       failure->unseen);
		return -EOPNOTSUPP;
	}
	err = failure->provoke();
	return err < 0 ? err : count;
}

static const struct file_operations provoke_fops = {
	.owner	= THIS_MODULE,
	.write	= provoke_write,
};

static struct miscdevice provoke_device = {
	.minor	= MISC_DYNAMIC_MINOR,
	.name	= "provoke",
	.fops	= &provoke_fops,
	.mode	= 0200,
};

static int __init provoke_init(void)
{
	return misc_register(&provoke_device);
}

static void __exit provoke_exit(void)
{
	misc_deregister(&provoke_device);
	provoke_stalls_end();
}

module_init(provoke_init);
module_exit(provoke_exit);

MODULE_DESCRIPTION("Provokes one failure of the kernel on request");
MODULE_LICENSE("GPL");
