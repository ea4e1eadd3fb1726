// SPDX-License-Identifier: GPL-2.0-only
/*
 * The iommu-map of a host bridge's node, where drivers/xen/grant-dma-ops.c
 * looks for a function's backend:
 *
 *	<requester-id  phandle  domid  length> ...
 *
 * The tree's own property is replaced by a longer one of our own: its entries,
 * and behind them slots. A free slot has length 0 and matches nothing.
 *
 * Slots are written in place. of_map_id() reads without a lock and must find
 * the entries of functions that it knows at any moment; and the kernel never
 * frees a property that was replaced, so that one for every function that
 * comes and goes would grow the tree for ever. A slot belongs to one requester
 * ID for ever and its length is written last: a reader sees it free or whole,
 * or else it reads of a function that no driver has been given yet. So a node
 * costs one property, and one twice as long when there are more requester IDs
 * than slots.
 *
 * The property belongs to the tree, not to this module: its parts are separate
 * allocations, as the kernel frees those of a dynamic node one by one, and
 * nothing in it points into the module.
 */
#include <linux/errno.h>
#include <linux/of.h>
#include <linux/slab.h>
#include <linux/string.h>

#include "xen-root-complex.h"

#define XRC_MAP			"iommu-map"
#define XRC_MAP_SLOTS		32
#define XRC_MAP_CELLS		4
#define XRC_MAP_ENTRY		(XRC_MAP_CELLS * sizeof(__be32))

enum {	/* cells of an entry */
	XRC_CELL_RID,
	XRC_CELL_PHANDLE,
	XRC_CELL_DOMID,
	XRC_CELL_LENGTH,
};

static u32 xrc_map_mask(const struct device_node *np)
{
	u32 mask = U32_MAX;

	of_property_read_u32(np, "iommu-map-mask", &mask);
	return mask;
}

/* The node that entries point to, or NULL. The caller puts it. */
static struct device_node *xrc_grant_dma_node(void)
{
	struct device_node *np;

	for_each_compatible_node(np, NULL, "xen,grant-dma") {
		if (np->phandle && of_device_is_available(np))
			return np;
	}
	return NULL;
}

static struct property *xrc_tree_property(struct xrc_map *map)
{
	return map->in_tree ? map->tree :
			      of_find_property(map->np, XRC_MAP, NULL);
}

/**
 * xrc_map_lookup() - what the tree itself says of a function
 * @map: of its bridge
 * @rid: its requester ID
 * @domid: the domain, for XRC_MAP_DOMAIN
 */
enum xrc_mapped xrc_map_lookup(struct xrc_map *map, u16 rid, u32 *domid)
{
	const struct property *prop = xrc_tree_property(map);
	u32 masked = rid & xrc_map_mask(map->np);
	const __be32 *cell, *end;

	if (!prop)
		return XRC_MAP_NONE;

	cell = prop->value;
	end = cell + prop->length / sizeof(*cell);
	while (cell < end) {
		struct device_node *target;
		u32 base, length, cells;
		bool grant_dma;

		if (end - cell < XRC_MAP_CELLS)
			return XRC_MAP_OTHER;
		target = of_find_node_by_phandle(be32_to_cpu(cell[XRC_CELL_PHANDLE]));
		if (!target)
			return XRC_MAP_OTHER;
		if (of_property_read_u32(target, "#iommu-cells", &cells))
			cells = 1;
		grant_dma = of_device_is_compatible(target, "xen,grant-dma");
		of_node_put(target);
		if (cells > end - cell - 3)
			return XRC_MAP_OTHER;

		base = be32_to_cpu(cell[XRC_CELL_RID]);
		length = be32_to_cpu(cell[2 + cells]);
		if (masked >= base && masked - base < length) {
			if (!grant_dma || cells != 1)
				return XRC_MAP_OTHER;
			*domid = masked - base + be32_to_cpu(cell[XRC_CELL_DOMID]);
			return XRC_MAP_DOMAIN;
		}
		cell += 3 + cells;
	}
	return XRC_MAP_NONE;
}

static __be32 *xrc_slot(struct xrc_map *map, unsigned int index)
{
	void *slots = map->own->value + (map->tree ? map->tree->length : 0);

	return slots + index * XRC_MAP_ENTRY;
}

/* The slot of a requester ID, or NULL. */
static __be32 *xrc_slot_find(struct xrc_map *map, u16 rid)
{
	unsigned int index;
	__be32 *slot;

	for (index = 0; index < map->used; index++) {
		slot = xrc_slot(map, index);
		if (be32_to_cpu(slot[XRC_CELL_RID]) == rid)
			return slot;
	}
	return NULL;
}

/* A property with the tree's entries, those of @map->own, and free slots. */
static struct property *xrc_property_new(struct xrc_map *map,
					 const struct property *tree,
					 unsigned int slots, phandle target)
{
	size_t fixed = tree ? tree->length : 0, kept = 0;
	struct property *prop;
	unsigned int index;
	__be32 *cell;

	prop = kzalloc(sizeof(*prop), GFP_KERNEL);
	if (!prop)
		return NULL;
	prop->length = fixed + slots * XRC_MAP_ENTRY;
	prop->name = kstrdup(XRC_MAP, GFP_KERNEL);
	prop->value = kzalloc(prop->length, GFP_KERNEL);
	if (!prop->name || !prop->value) {
		kfree(prop->name);
		kfree(prop->value);
		kfree(prop);
		return NULL;
	}

	if (tree)
		memcpy(prop->value, tree->value, fixed);
	if (map->in_tree) {
		kept = map->used * XRC_MAP_ENTRY;
		memcpy(prop->value + fixed, xrc_slot(map, 0), kept);
	}
	/* of_map_id() of 7.3 wants to find the node of every entry, of free ones too. */
	for (index = kept / XRC_MAP_ENTRY; index < slots; index++) {
		cell = prop->value + fixed + index * XRC_MAP_ENTRY;
		cell[XRC_CELL_PHANDLE] = cpu_to_be32(target);
	}
	return prop;
}

static void xrc_property_free(struct property *prop)
{
	kfree(prop->name);
	kfree(prop->value);
	kfree(prop);
}

/* Brings a property of our own into the tree, with a slot for @rid in it. */
static int xrc_map_make_room(struct xrc_map *map, u16 rid, phandle target)
{
	struct property *tree = xrc_tree_property(map);
	unsigned int slots = map->slots ?: XRC_MAP_SLOTS;
	struct property *prop = map->own;
	bool made = false;
	int err;

	/* Somebody changed the node while we had nothing in it. */
	if (!map->in_tree && tree != map->tree)
		prop = NULL;
	if (map->used == slots && !xrc_slot_find(map, rid)) {
		prop = NULL;
		slots *= 2;
	}
	if (!prop) {
		prop = xrc_property_new(map, tree, slots, target);
		if (!prop)
			return -ENOMEM;
		made = true;
	}
	if (map->in_tree && !made)
		return 0;

	err = xrc_apply(map->np, map->in_tree ? map->own : tree, prop);
	if (err) {
		if (made)
			xrc_property_free(prop);
		return err;
	}
	if (made && !map->in_tree)
		map->used = 0;
	map->tree = tree;
	map->own = prop;
	map->slots = slots;
	map->in_tree = true;
	return 0;
}

/**
 * xrc_map_set() - add the entry of a function
 * @map: of its bridge
 * @rid: its requester ID, which has none
 * @domid: the domain of its backend
 *
 * Return: 0, or a negative errno: -ENXIO there is no node xen,grant-dma to
 * point to, -EINVAL the node's iommu-map-mask throws functions together,
 * -ENOMEM, or what of_changeset_apply() or of_add_property() said.
 */
int xrc_map_set(struct xrc_map *map, u16 rid, u16 domid)
{
	struct device_node *np;
	phandle target;
	__be32 *slot;
	int err;

	if ((xrc_map_mask(map->np) & U16_MAX) != U16_MAX)
		return -EINVAL;
	np = xrc_grant_dma_node();
	if (!np)
		return -ENXIO;
	target = np->phandle;
	of_node_put(np);

	err = xrc_map_make_room(map, rid, target);
	if (err)
		return err;

	slot = xrc_slot_find(map, rid);
	if (!slot)
		slot = xrc_slot(map, map->used++);
	WRITE_ONCE(slot[XRC_CELL_RID], cpu_to_be32(rid));
	WRITE_ONCE(slot[XRC_CELL_PHANDLE], cpu_to_be32(target));
	WRITE_ONCE(slot[XRC_CELL_DOMID], cpu_to_be32(domid));
	smp_wmb();	/* a reader that sees the length sees the rest */
	WRITE_ONCE(slot[XRC_CELL_LENGTH], cpu_to_be32(1));
	map->live++;
	return 0;
}

/**
 * xrc_map_clear() - take the entry of a function out again
 * @map: of its bridge
 * @rid: its requester ID, which has an entry
 *
 * With the last one the node gets its own property back.
 *
 * Return: 0, or a negative errno if that failed; the entry is out anyway.
 */
int xrc_map_clear(struct xrc_map *map, u16 rid)
{
	__be32 *slot = xrc_slot_find(map, rid);

	if (!slot)
		return 0;
	WRITE_ONCE(slot[XRC_CELL_LENGTH], 0);
	map->live--;
	return map->live ? 0 : xrc_map_restore(map);
}

/**
 * xrc_map_restore() - give a node its own property back, if it has ours
 * @map: of the node
 *
 * Return: 0, or a negative errno.
 */
int xrc_map_restore(struct xrc_map *map)
{
	int err;

	if (!map->in_tree)
		return 0;
	err = xrc_apply(map->np, map->own, map->tree);
	if (!err)
		map->in_tree = false;
	return err;
}
