// SPDX-License-Identifier: GPL-2.0-only
/*
 * Accesses that are not allowed. OPTIMIZER_HIDE_VAR() keeps from the compiler
 * what it would warn of, or turn into a trap of its own.
 */
#include <linux/compiler.h>
#include <linux/errno.h>
#include <linux/slab.h>

#include "provoke.h"

#define PROVOKE_SIZE	64

static u8 *provoke_nowhere(void)
{
	u8 *nowhere = NULL;

	OPTIMIZER_HIDE_VAR(nowhere);
	return nowhere;
}

static noinline int provoke_null_read(void)
{
	return READ_ONCE(provoke_nowhere()[8]);
}

static noinline int provoke_null_write(void)
{
	WRITE_ONCE(provoke_nowhere()[8], 1);
	return 0;
}

static u8 *provoke_freed(void)
{
	u8 *freed = kmalloc(PROVOKE_SIZE, GFP_KERNEL);
	u8 *hidden = freed;

	OPTIMIZER_HIDE_VAR(hidden);
	kfree(freed);
	return hidden;
}

static noinline int provoke_use_after_free_read(void)
{
	u8 *freed = provoke_freed();

	if (!freed)
		return -ENOMEM;
	(void)READ_ONCE(freed[8]);
	return 0;
}

static noinline int provoke_use_after_free_write(void)
{
	u8 *freed = provoke_freed();

	if (!freed)
		return -ENOMEM;
	WRITE_ONCE(freed[8], 1);
	return 0;
}

static noinline int provoke_double_free(void)
{
	u8 *freed = provoke_freed();

	if (!freed)
		return -ENOMEM;
	kfree(freed);
	return 0;
}

static noinline int provoke_out_of_bounds(void)
{
	u8 *memory = kmalloc(PROVOKE_SIZE, GFP_KERNEL);
	u8 *end;

	if (!memory)
		return -ENOMEM;
	end = memory + PROVOKE_SIZE;
	OPTIMIZER_HIDE_VAR(end);
	(void)READ_ONCE(*end);
	kfree(memory);
	return 0;
}

const struct provoke_failure provoke_memory[] = {
	{ "null-read", provoke_null_read },
	{ "null-write", provoke_null_write },
	{ "use-after-free-read", provoke_use_after_free_read, PROVOKE_SEEN_BY(KASAN) },
	{ "use-after-free-write", provoke_use_after_free_write, PROVOKE_SEEN_BY(KASAN) },
	{ "double-free", provoke_double_free, PROVOKE_SEEN_BY(KASAN) },
	{ "out-of-bounds", provoke_out_of_bounds, PROVOKE_SEEN_BY(KASAN) },
	{ }
};
