// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pseudo-hotplug: a sysrq key changes the status of a device-tree node, and
 * the device behind the node comes or goes.
 *
 * A module in the place of the test patch of
 * "[PATCH] xen/virtio: Handle PCI devices which Host controller is described
 * in DT" (xen-devel, 19 October 2022). See README.md.
 *
 * Keys come in atomic context. There they are only sorted and queued; a single
 * work item on an ordered workqueue takes them out again, one after the other
 * in the order in which they came, and does and prints all the rest.
 */
#define pr_fmt(fmt) "pseudo-hotplug: " fmt

#include <linux/ctype.h>
#include <linux/errno.h>
#include <linux/kfifo.h>
#include <linux/module.h>
#include <linux/of.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/string.h>
#include <linux/workqueue.h>

#include "pseudo-hotplug.h"

/* The keys of the thread. */
static char *keys =
	"0+/virtio@2000000,1+/virtio@2000200,2-/virtio@2000000,3-/virtio@2000200,4+/pcie@10000000,5-/pcie@10000000";
module_param(keys, charp, 0444);
MODULE_PARM_DESC(keys,
		 "table of keys: KEY+PATH enables, KEY-PATH disables, separated by commas");

/* Where Xen puts the nodes of a dom0less domU's partial device tree. */
static char *prefix = "/passthrough";
module_param(prefix, charp, 0444);
MODULE_PARM_DESC(prefix,
		 "tried in front of a path that has no node of its own; empty for none (default: /passthrough)");

static bool exclusive;
module_param(exclusive, bool, 0444);
MODULE_PARM_DESC(exclusive,
		 "no sysrq key at all reaches the kernel's own operations (default: off, only digits and the keys of the table)");

#define PH_QUEUE_SIZE	64	/* a power of two */

static DEFINE_KFIFO(ph_queue, u8, PH_QUEUE_SIZE);
static unsigned int ph_lost;		/* keys that found the queue full */
static DEFINE_RAW_SPINLOCK(ph_lock);	/* of the two */
static struct workqueue_struct *ph_wq;

/* A key as it is printed. */
struct ph_key_name {
	char text[8];
};

static struct ph_key_name ph_key_name(u8 key)
{
	struct ph_key_name name;

	snprintf(name.text, sizeof(name.text),
		 isascii(key) && isprint(key) ? "'%c'" : "0x%02x", key);
	return name;
}

/* The node of a path: itself, or else below the prefix. */
static struct device_node *ph_find_node(const char *path, struct ph_key_name key)
{
	struct device_node *np;
	char *prefixed;

	np = of_find_node_by_path(path);
	if (np)
		return np;
	if (!*prefix) {
		pr_err("key %s: no node %s\n", key.text, path);
		return NULL;
	}

	prefixed = kasprintf(GFP_KERNEL, "%s%s", prefix, path);
	if (!prefixed) {
		pr_err("key %s: out of memory\n", key.text);
		return NULL;
	}
	np = of_find_node_by_path(prefixed);
	if (!np)
		pr_err("key %s: no node %s, no node %s\n", key.text, path,
		       prefixed);
	kfree(prefixed);
	return np;
}

static void ph_key(u8 code)
{
	const struct ph_entry *entry = ph_keys_find(code);
	struct ph_key_name key = ph_key_name(code);
	struct device_node *np;
	const char *verb;
	int ret;

	pr_info("got key %s\n", key.text);

	if (!entry) {
		pr_warn("key %s has no entry\n", key.text);
		return;
	}
	np = ph_find_node(entry->path, key);
	if (!np)
		return;

	verb = entry->enable ? "enable" : "disable";
	ret = ph_status_set(np, entry->enable);
	switch (ret) {
	case PH_DONE:
		pr_info("%s %pOF\n", verb, np);
		break;
	case PH_ALREADY:
		pr_info("%pOF is already %sd\n", np, verb);
		break;
	case PH_NO_DEVICE:
		pr_err("key %s: %pOF is enabled, but its bus made no device of it\n",
		       key.text, np);
		break;
	case PH_DEVICE_STAYS:
		pr_err("key %s: %pOF is disabled, but its bus did not remove its device\n",
		       key.text, np);
		break;
	default:
		pr_err("key %s: %s %pOF failed: %pe\n", key.text, verb, np,
		       ERR_PTR(ret));
	}
	of_node_put(np);
}

static void ph_work_fn(struct work_struct *work)
{
	unsigned int lost;
	bool more;
	u8 code;

	do {
		raw_spin_lock_irq(&ph_lock);
		more = kfifo_get(&ph_queue, &code);
		lost = ph_lost;
		ph_lost = 0;
		raw_spin_unlock_irq(&ph_lock);

		if (lost)
			pr_err("more than %d keys were waiting: the next %u are lost\n",
			       PH_QUEUE_SIZE, lost);
		if (more)
			ph_key(code);
	} while (more);
}

static DECLARE_WORK(ph_work, ph_work_fn);

/*
 * Atomic context. The callers of handle_sysrq() expect operations that queue
 * work (the kernel's own do), so queueing is all right here.
 */
static bool ph_consume(u8 key)
{
	unsigned long flags;

	if (!exclusive && !isdigit(key) && !ph_keys_find(key))
		return false;

	raw_spin_lock_irqsave(&ph_lock, flags);
	if (!kfifo_put(&ph_queue, key))
		ph_lost++;
	raw_spin_unlock_irqrestore(&ph_lock, flags);

	queue_work(ph_wq, &ph_work);
	return true;
}

static int __init ph_init(void)
{
	const char *why;
	int count, err;

	if (*prefix && ph_path_check(prefix, &why)) {
		pr_err("prefix \"%s\": %s\n", prefix, why);
		return -EINVAL;
	}
	count = ph_keys_parse(keys);
	if (count < 0)
		return count;

	ph_wq = alloc_ordered_workqueue("pseudo-hotplug", 0);
	if (!ph_wq) {
		err = -ENOMEM;
		goto err_keys;
	}
	err = ph_sysrq_register(ph_consume);
	if (err)
		goto err_wq;

	pr_info("ready, %d keys\n", count);
	return 0;

err_wq:
	destroy_workqueue(ph_wq);
err_keys:
	ph_keys_free();
	return err;
}

static void __exit ph_exit(void)
{
	/* No more keys; those that came are worked off; then what they use goes. */
	ph_sysrq_unregister();
	destroy_workqueue(ph_wq);
	ph_status_exit();
	ph_keys_free();
	pr_info("unloaded\n");
}

module_init(ph_init);
module_exit(ph_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Pseudo-hotplug: sysrq keys that change the status of device-tree nodes");
