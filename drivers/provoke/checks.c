// SPDX-License-Identifier: GPL-2.0-only
/* What the kernel's own checks find: WARN(), BUG(), list_del(). */
#include <linux/bug.h>
#include <linux/compiler.h>
#include <linux/list.h>

#include "provoke.h"

static noinline int provoke_warn(void)
{
	WARN(1, "provoke: a warning, as asked for\n");
	return 0;
}

static noinline int provoke_bug(void)
{
	BUG();
	return 0;
}

/* The successor of the entry does not know it. */
static noinline int provoke_list_corruption(void)
{
	struct list_head entry, stranger;

	LIST_HEAD(list);

	INIT_LIST_HEAD(&stranger);
	list_add(&entry, &list);
	WRITE_ONCE(entry.next, &stranger);
	list_del(&entry);
	return 0;
}

const struct provoke_failure provoke_checks[] = {
	{ "warn", provoke_warn },
	{ "bug", provoke_bug },
	{ "list-corruption", provoke_list_corruption, PROVOKE_SEEN_BY(DEBUG_LIST) },
	{ }
};
