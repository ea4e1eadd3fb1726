// SPDX-License-Identifier: GPL-2.0-only
/*
 * A kernel without OF_DYNAMIC. of_update_property() is not exported; between
 * the two calls the node has no such property. That is why map.c calls this as
 * seldom as it can, and for the first and the last entry only when no function
 * that needs an entry is with a driver.
 *
 * A property that was removed once may be added again: where of_add_property()
 * does not take it off the list of dead properties (6.1), nothing walks that
 * list in a kernel without OF_DYNAMIC.
 */
#include <linux/of.h>

#include "xen-root-complex.h"

int xrc_apply(struct device_node *np, struct property *old,
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
