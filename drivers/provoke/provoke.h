/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef PROVOKE_H
#define PROVOKE_H

#include <linux/kconfig.h>

/**
 * struct provoke_failure - one way to fail
 * @name: the word that asks for it
 * @provoke: does it; 0, or a negative errno when it could not be begun. NULL
 *	ends a table
 * @unseen: the kernel's option without which nobody would notice, and the
 *	kernel only be damaged; NULL if it is there or none is needed
 */
struct provoke_failure {
	const char *name;
	int (*provoke)(void);
	const char *unseen;
};

#define PROVOKE_SEEN_BY(option)	(IS_ENABLED(CONFIG_##option) ? NULL : "CONFIG_" #option)

extern const struct provoke_failure provoke_checks[];	/* checks.c: WARN, BUG, lists */
extern const struct provoke_failure provoke_memory[];	/* memory.c: accesses that are not allowed */
extern const struct provoke_failure provoke_locking[];	/* locking.c: locks, and sleep under them */
extern const struct provoke_failure provoke_stalls[];	/* stalls.c: what does not get on */

/* Lets go whatever stalls.c holds up, and waits until it has gone. */
void provoke_stalls_end(void);

#endif
