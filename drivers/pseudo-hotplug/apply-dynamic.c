// SPDX-License-Identifier: GPL-2.0-only
/*
 * A kernel with OF_DYNAMIC: the change of status is enough. The platform bus
 * hears of it (of_platform_notify() in drivers/of/platform.c) and creates or
 * removes the device before of_changeset_apply() returns.
 */
#include <linux/of.h>

#include "pseudo-hotplug.h"

int ph_apply(struct device_node *np, struct property *old, struct property *new,
	     bool enable)
{
	struct of_changeset changes;
	int err;

	of_changeset_init(&changes);
	err = of_changeset_update_property(&changes, np, new);
	if (!err)
		err = of_changeset_apply(&changes);
	/* When only a listener failed, the tree has been changed nevertheless. */
	if (err && of_find_property(np, "status", NULL) == new)
		of_changeset_revert(&changes);
	of_changeset_destroy(&changes);
	return err;
}
