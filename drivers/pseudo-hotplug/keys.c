// SPDX-License-Identifier: GPL-2.0-only
/*
 * The table of keys, and the parser of the text that gives it:
 *
 *	TABLE := ITEM { ',' ITEM }
 *	ITEM  := KEY ( '+' | '-' ) PATH
 *
 * KEY is any one printable character but the space, '+' enables and '-'
 * disables, PATH is the full path of a node. A comma in the name of a node is
 * written "\,".
 */
#define pr_fmt(fmt) "pseudo-hotplug: " fmt

#include <linux/ctype.h>
#include <linux/errno.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "pseudo-hotplug.h"

/* One slot for each 7-bit character: a look-up is an index. */
static struct ph_entry ph_keys[128];

/**
 * ph_keys_find() - the entry of a key
 * @key: the character that came with the sysrq
 *
 * Return: the entry, or NULL if the table has none.
 */
const struct ph_entry *ph_keys_find(u8 key)
{
	if (key >= ARRAY_SIZE(ph_keys) || !ph_keys[key].path)
		return NULL;
	return &ph_keys[key];
}

/**
 * ph_path_check() - is this the full path of a node below the root?
 * @path: the path
 * @why: set to what is wrong with it
 *
 * Return: 0, or -EINVAL. The characters are those of the Devicetree
 * Specification 0.4, section 2.2.1.
 */
int ph_path_check(const char *path, const char **why)
{
	const char *p;

	if (!*path)
		*why = "the path is missing";
	else if (*path != '/')
		*why = "the path does not begin with '/'";
	else if (!path[1])
		*why = "the root has no status";
	else if (path[strlen(path) - 1] == '/')
		*why = "the path ends with '/'";
	else if (strstr(path, "//"))
		*why = "the path has an empty name in it";
	else
		*why = NULL;
	if (*why)
		return -EINVAL;

	for (p = path; *p; p++) {
		if (!isascii(*p) || (!isalnum(*p) && !strchr(",._+-@/", *p))) {
			*why = "the path has a character that no node name has";
			return -EINVAL;
		}
	}
	return 0;
}

/* The end of an item: the next comma that is not escaped, or the end of all. */
static const char *ph_item_end(const char *item)
{
	const char *p;

	/* The first character is the key, whatever it is. */
	for (p = item + 1; *p && *p != ','; p++) {
		if (p[0] == '\\' && p[1] == ',')
			p++;
	}
	return p;
}

/* A copy of the path between two points, "\," become ",". */
static char *ph_path_dup(const char *from, const char *end)
{
	char *path = kmalloc(end - from + 1, GFP_KERNEL);
	char *to = path;

	if (!path)
		return NULL;
	while (from < end) {
		if (from[0] == '\\' && from + 1 < end && from[1] == ',')
			from++;
		*to++ = *from++;
	}
	*to = '\0';
	return path;
}

static int ph_item_parse(const char *item, const char *end, const char **why)
{
	u8 key = *item;
	char *path;
	int err;

	if (!isascii(key) || !isgraph(key)) {
		*why = "the key is not a printable character";
		return -EINVAL;
	}
	if (end - item < 2 || (item[1] != '+' && item[1] != '-')) {
		*why = "expected '+' (enable) or '-' (disable) after the key";
		return -EINVAL;
	}
	if (ph_keys[key].path) {
		*why = "the key has an entry already";
		return -EINVAL;
	}

	path = ph_path_dup(item + 2, end);
	if (!path) {
		*why = "out of memory";
		return -ENOMEM;
	}
	err = ph_path_check(path, why);
	if (err) {
		kfree(path);
		return err;
	}
	ph_keys[key].path = path;
	ph_keys[key].enable = item[1] == '+';
	return 0;
}

/**
 * ph_keys_parse() - fill the table
 * @spec: its text, in the syntax at the top of this file
 *
 * Prints what is wrong and with which item.
 *
 * Return: the number of entries, or a negative errno with the table empty.
 */
int ph_keys_parse(const char *spec)
{
	const char *item = spec, *end, *why;
	int count = 0;
	int err;

	if (!*spec) {
		pr_err("keys: the table is empty\n");
		return -EINVAL;
	}

	for (;;) {
		count++;
		if (!*item) {
			pr_err("keys: item %d: nothing after the comma\n", count);
			err = -EINVAL;
			break;
		}
		end = ph_item_end(item);
		err = ph_item_parse(item, end, &why);
		if (err) {
			pr_err("keys: item %d \"%.*s\": %s\n", count,
			       (int)(end - item), item, why);
			break;
		}
		if (!*end)
			return count;
		item = end + 1;
	}

	ph_keys_free();
	return err;
}

/**
 * ph_keys_free() - empty the table
 */
void ph_keys_free(void)
{
	int key;

	for (key = 0; key < ARRAY_SIZE(ph_keys); key++) {
		kfree(ph_keys[key].path);
		ph_keys[key].path = NULL;
	}
}
