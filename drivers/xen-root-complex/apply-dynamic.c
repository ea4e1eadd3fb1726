// SPDX-License-Identifier: GPL-2.0-only
/*
 * A kernel with OF_DYNAMIC: a changeset replaces the property in one step.
 */
#include <linux/of.h>

#include "xen-root-complex.h"

int xrc_apply(struct device_node *np, struct property *old,
	      struct property *new)
{
	struct of_changeset changes;
	int err;

	of_changeset_init(&changes);
	if (!new)
		err = of_changeset_remove_property(&changes, np, old);
	else if (!old)
		err = of_changeset_add_property(&changes, np, new);
	else
		err = of_changeset_update_property(&changes, np, new);
	if (!err)
		err = of_changeset_apply(&changes);
	/* When only a listener failed, the tree has been changed nevertheless. */
	if (err && old != new &&
	    of_find_property(np, (new ?: old)->name, NULL) == new)
		of_changeset_revert(&changes);
	of_changeset_destroy(&changes);
	return err;
}
