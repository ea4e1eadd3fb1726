// SPDX-License-Identifier: GPL-2.0-only
/*
 * A kernel without OF_DYNAMIC: nobody hears of a changed status, so the device
 * is created and removed here, by what of_platform_notify() would have done.
 */
#include <linux/device.h>
#include <linux/errno.h>
#include <linux/of.h>
#include <linux/of_platform.h>
#include <linux/platform_device.h>

#include "pseudo-hotplug.h"

/*
 * of_update_property() is not exported; between the two calls, no status. A
 * property that was removed once may be added again: where of_add_property()
 * does not take it off the list of dead properties (6.1), nothing walks that
 * list in a kernel without OF_DYNAMIC.
 */
static int ph_replace(struct device_node *np, struct property *old,
		      struct property *new)
{
	int err;

	if (old) {
		err = of_remove_property(np, old);
		if (err)
			return err;
	}
	if (!new)
		return 0;
	err = of_add_property(np, new);
	if (err && old)
		of_add_property(np, old);
	return err;
}

static int ph_create(struct device_node *np)
{
	struct platform_device *parent, *pdev;

	/* Children of other nodes are not platform devices. */
	if (!of_node_is_root(np->parent) &&
	    !of_node_check_flag(np->parent, OF_POPULATED_BUS))
		return 0;
	if (of_node_check_flag(np, OF_POPULATED))
		return 0;

	parent = of_find_device_by_node(np->parent);
	pdev = of_platform_device_create(np, NULL, parent ? &parent->dev : NULL);
	if (parent)
		put_device(&parent->dev);
	return pdev ? 0 : -EINVAL;
}

static void ph_destroy(struct device_node *np)
{
	struct platform_device *pdev = of_find_device_by_node(np);

	if (!pdev)
		return;
	of_platform_device_destroy(&pdev->dev, NULL);
	put_device(&pdev->dev);
}

int ph_apply(struct device_node *np, struct property *old, struct property *new,
	     bool enable)
{
	int err;

	err = ph_replace(np, old, new);
	if (err)
		return err;

	if (!enable) {
		ph_destroy(np);
		return 0;
	}

	err = ph_create(np);
	if (err)
		ph_replace(np, new, old);
	return err;
}
