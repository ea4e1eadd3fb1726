// SPDX-License-Identifier: GPL-2.0-only
/*
 * The status of a node, and the memory behind it.
 *
 * The kernel never lets go of a property: one that is replaced moves to its
 * node's list of dead properties and stays there, as somebody may hold a
 * pointer into it. A toggle that allocates would so grow the tree for ever.
 * Here a toggle swaps: the property that it takes out of the tree is kept in
 * mind, and the next toggle of the node puts it in again. A node costs one
 * property (two, if the tree said "ok" or "reserved"), however many toggles.
 *
 * Such a property belongs to the tree, not to this module: its parts are
 * separate allocations, as the kernel frees those of a dynamic node one by one,
 * and nothing in it points into the module. Unloading leaves it where it is.
 */
#define pr_fmt(fmt) "pseudo-hotplug: " fmt

#include <linux/device.h>
#include <linux/device/driver.h>
#include <linux/errno.h>
#include <linux/list.h>
#include <linux/of.h>
#include <linux/of_platform.h>
#include <linux/platform_device.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "pseudo-hotplug.h"

/**
 * struct ph_node - a node that was toggled
 * @list: in ph_nodes
 * @np: the node; the reference keeps it and @spare from being freed
 * @spare: the status that the last toggle replaced; NULL if there was none
 */
struct ph_node {
	struct list_head list;
	struct device_node *np;
	struct property *spare;
};

static LIST_HEAD(ph_nodes);

static struct ph_node *ph_node_get(struct device_node *np)
{
	struct ph_node *node;

	list_for_each_entry(node, &ph_nodes, list) {
		if (node->np == np)
			return node;
	}

	node = kzalloc(sizeof(*node), GFP_KERNEL);
	if (!node)
		return NULL;
	node->np = of_node_get(np);
	list_add_tail(&node->list, &ph_nodes);
	return node;
}

static struct property *ph_property_new(const char *status)
{
	struct property *prop;

	prop = kzalloc(sizeof(*prop), GFP_KERNEL);
	if (!prop)
		return NULL;
	prop->name = kstrdup("status", GFP_KERNEL);
	prop->value = kstrdup(status, GFP_KERNEL);
	prop->length = strlen(status) + 1;
	if (!prop->name || !prop->value) {
		kfree(prop->name);
		kfree(prop->value);
		kfree(prop);
		return NULL;
	}
	return prop;
}

static bool ph_property_is(const struct property *prop, const char *status)
{
	size_t size = strlen(status) + 1;

	return prop && prop->length == size && !memcmp(prop->value, status, size);
}

/* Says so if the device of an enabled node is there, but nothing drives it. */
static void ph_report_unbound(struct device_node *np)
{
	struct platform_device *pdev = of_find_device_by_node(np);
	bool bound;

	if (!pdev)
		return;
	/* With the lock held, no probe is under way. */
	device_lock(&pdev->dev);
	bound = pdev->dev.driver;
	device_unlock(&pdev->dev);
	if (!bound)
		pr_info("%pOF: no driver is bound to %s\n", np,
			dev_name(&pdev->dev));
	put_device(&pdev->dev);
}

/**
 * ph_status_set() - enable or disable a node and the device behind it
 * @np: the node
 * @enable: which
 *
 * Returns when the device has been probed or removed; may sleep for long.
 *
 * Return: one of enum ph_outcome, or a negative errno, in which case the tree
 * is as it was.
 */
int ph_status_set(struct device_node *np, bool enable)
{
	const char *want = enable ? "okay" : "disabled";
	struct property *old, *new;
	struct ph_node *node;
	bool had_device;
	int err;

	if (of_device_is_available(np) == enable)
		return PH_ALREADY;

	node = ph_node_get(np);
	if (!node)
		return -ENOMEM;

	old = of_find_property(np, "status", NULL);
	new = node->spare;
	/* After somebody else's change the spare may be in the tree again. */
	if (new == old || !ph_property_is(new, want)) {
		new = ph_property_new(want);
		if (!new)
			return -ENOMEM;
	}

	had_device = of_node_check_flag(np, OF_POPULATED);
	err = ph_apply(np, old, new, enable);
	node->spare = err ? new : old;
	if (err)
		return err;

	if (!enable) {
		if (of_node_check_flag(np, OF_POPULATED))
			return PH_DEVICE_STAYS;
		if (!had_device)
			pr_info("%pOF: there was no device to remove\n", np);
		return PH_DONE;
	}

	if (!of_node_check_flag(np, OF_POPULATED))
		return PH_NO_DEVICE;
	/* Some drivers probe in threads of their own. */
	wait_for_device_probe();
	ph_report_unbound(np);
	return PH_DONE;
}

/**
 * ph_status_exit() - forget the nodes, leave their properties in the tree
 */
void ph_status_exit(void)
{
	struct ph_node *node, *next;

	list_for_each_entry_safe(node, next, &ph_nodes, list) {
		of_node_put(node->np);
		list_del(&node->list);
		kfree(node);
	}
}
