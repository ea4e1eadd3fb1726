/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PSEUDO_HOTPLUG_H
#define PSEUDO_HOTPLUG_H

#include <linux/types.h>

struct device_node;
struct property;

/* keys.c: the table of keys. Read-only once parsed, so any context may look. */

/**
 * struct ph_entry - what one key does
 * @path: full path of a device-tree node; NULL where the key has no entry
 * @enable: whether the key enables the node or disables it
 */
struct ph_entry {
	const char *path;
	bool enable;
};

int ph_keys_parse(const char *spec);
void ph_keys_free(void);
const struct ph_entry *ph_keys_find(u8 key);
int ph_path_check(const char *path, const char **why);

/* sysrq.c: where the keys come from. */

/*
 * Called with interrupts off, possibly from a hard interrupt: must not sleep.
 * Returns true to keep the key from the kernel's own sysrq operations.
 */
typedef bool (*ph_sysrq_fn)(u8 key);

int ph_sysrq_register(ph_sysrq_fn fn);
void ph_sysrq_unregister(void);

/* status.c: what a key does to a node. Process context, one caller at a time. */

/* What ph_status_set() came to, when it is not a negative errno. */
enum ph_outcome {
	PH_DONE,		/* the status was changed, the device followed */
	PH_ALREADY,		/* the node was in that state: nothing was done */
	PH_NO_DEVICE,		/* enabled, but no bus made a device of the node */
	PH_DEVICE_STAYS,	/* disabled, but nobody removed the device */
};

int ph_status_set(struct device_node *np, bool enable);
void ph_status_exit(void);

/*
 * apply-dynamic.c or apply-static.c: puts @new in the place of @old (NULL if
 * the node has no status) and has the device created or removed. On an error
 * the tree is as it was before.
 */
int ph_apply(struct device_node *np, struct property *old, struct property *new,
	     bool enable);

#endif
