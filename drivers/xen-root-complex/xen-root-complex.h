/* SPDX-License-Identifier: GPL-2.0-only */
#ifndef XEN_ROOT_COMPLEX_H
#define XEN_ROOT_COMPLEX_H

#include <linux/list.h>
#include <linux/spinlock.h>
#include <linux/types.h>

struct device_node;
struct pci_bus;
struct pci_dev;
struct property;

/* query.c: the register. See README.md for what its bits mean. */

#define XRC_QUERY_ASK		0x80000000	/* written: ask; read: in flight */
#define XRC_ANSWER_STATUS	0x70000000
#define XRC_ANSWER_RESERVED	0x0f000000
#define XRC_ANSWER_ECHO		0x00ff0000	/* devfn of the question */
#define XRC_ANSWER_DOMID	0x0000ffff

enum xrc_status {
	XRC_STATUS_NONE,		/* nothing asked since reset */
	XRC_STATUS_BACKEND,		/* in the domain of XRC_ANSWER_DOMID */
	XRC_STATUS_NO_BACKEND,		/* a function that needs no grants */
	XRC_STATUS_UNKNOWN,		/* no such function */
	XRC_STATUS_NOT_YET,		/* ask again later */
};

#define XRC_DEADLINE_MS		1000	/* for one answer */

/**
 * struct xrc_register - where a root complex has its register
 * @root: its root bus
 * @devfn: the function on it
 * @pos: the register's offset in the function's configuration space
 */
struct xrc_register {
	struct pci_bus *root;
	u8 devfn;
	u16 pos;
};

struct xrc_function;

bool xrc_find(struct pci_bus *root, struct xrc_register *reg);
u16 xrc_find_notice(struct pci_dev *pdev);
int xrc_ask(struct xrc_function *fn, u32 *answer);

/* map.c: the iommu-map of a bridge. One caller at a time, who may sleep. */

/**
 * struct xrc_map - what was added to the iommu-map of a node
 * @np: the node
 * @tree: the node's own property, which @own has taken the place of; may be NULL
 * @own: the property with the added entries, or NULL if there was none yet
 * @in_tree: whether the node has @own
 * @slots: how many entries @own has room for, beside those of @tree
 * @used: how many of them belong to a requester ID, for ever
 * @live: how many of these are in force
 */
struct xrc_map {
	struct device_node *np;
	struct property *tree;
	struct property *own;
	bool in_tree;
	unsigned int slots;
	unsigned int used;
	unsigned int live;
};

/* What xrc_map_lookup() found in the tree's own map. */
enum xrc_mapped {
	XRC_MAP_NONE,			/* nothing for this requester ID */
	XRC_MAP_DOMAIN,			/* a domain */
	XRC_MAP_OTHER,			/* an IOMMU that is none, or rubbish */
};

enum xrc_mapped xrc_map_lookup(struct xrc_map *map, u16 rid, u32 *domid);
int xrc_map_set(struct xrc_map *map, u16 rid, u16 domid);
int xrc_map_clear(struct xrc_map *map, u16 rid);
int xrc_map_restore(struct xrc_map *map);

/*
 * apply-dynamic.c or apply-static.c: puts @new in the place of @old in the
 * tree; either may be NULL. On an error the tree is as it was before.
 */
int xrc_apply(struct device_node *np, struct property *old,
	      struct property *new);

/* notice.c: the interrupt. */

int xrc_notice_init(void);
void xrc_notice_exit(void);

/* main.c: the functions. */

/**
 * struct xrc_bridge - a host bridge that was seen to be of the kind
 * @list: in xrc_bridges; stays until the module goes
 * @map: its iommu-map; the worker's own
 * @functions: how many are there; under xrc_lock
 */
struct xrc_bridge {
	struct list_head list;
	struct xrc_map map;
	unsigned int functions;
};

enum xrc_state {
	XRC_NEW,		/* not held yet: the worker keeps its hands off */
	XRC_WAITING,		/* held, to be asked for at @due */
	XRC_GIVEN,		/* left to the drivers */
	XRC_REFUSED,		/* held for good */
};

/**
 * struct xrc_function - a function of such a root complex
 * @list: in xrc_functions; removed and freed by the worker alone
 * @pdev: holds a reference
 * @bridge: the bridge that it is behind
 * @reg: who answers for it; only to be used between xrc_enter() and xrc_leave()
 * @rid: requester ID
 * @state: under xrc_lock
 * @gone: it was removed; under xrc_lock
 * @mapped: it has an entry in the bridge's map
 * @due: when to ask, in jiffies
 * @delay: how long after that to ask again, in jiffies; 0 before the first time
 */
struct xrc_function {
	struct list_head list;
	struct pci_dev *pdev;
	struct xrc_bridge *bridge;
	struct xrc_register reg;
	u16 rid;
	enum xrc_state state;
	bool gone;
	bool mapped;
	unsigned long due;
	unsigned long delay;
};

extern struct list_head xrc_functions;	/* under xrc_lock */
extern spinlock_t xrc_lock;

bool xrc_enter(struct xrc_function *fn);
void xrc_leave(void);
void xrc_ask_again(struct pci_bus *root);
void xrc_function_free(struct xrc_function *fn);

/* worker.c: what is done with them. */

int xrc_worker_init(void);
void xrc_worker_exit(void);
void xrc_worker_wake(void);

#endif
