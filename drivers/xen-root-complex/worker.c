// SPDX-License-Identifier: GPL-2.0-only
/*
 * The worker: asks for the functions that are held back, one after the other,
 * and gives each to the drivers, or says why not. As long as it is there, nobody
 * else asks, changes an iommu-map, or takes a function out of the list.
 */
#define pr_fmt(fmt) "xen-root-complex: " fmt

#include <linux/bitfield.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/minmax.h>
#include <linux/pci.h>
#include <linux/printk.h>
#include <linux/spinlock.h>
#include <linux/workqueue.h>
#include <xen/interface/xen.h>

#include "override.h"
#include "xen-root-complex.h"

/* How long a backend that is not ready is given, from the first time to the last. */
#define XRC_AGAIN_MS		100
#define XRC_AGAIN_MAX_MS	5000

static struct workqueue_struct *xrc_wq;
static void xrc_work_fn(struct work_struct *work);
static DECLARE_DELAYED_WORK(xrc_work, xrc_work_fn);

static void xrc_set_state(struct xrc_function *fn, enum xrc_state state)
{
	spin_lock(&xrc_lock);
	fn->state = state;
	spin_unlock(&xrc_lock);
}

static void xrc_give(struct xrc_function *fn)
{
	xrc_set_state(fn, XRC_GIVEN);

	/* As pci_bus_add_device(): under the lock, and not if it is gone. */
	if (!xrc_enter(fn))
		return;
	/* Somebody with root's rights may have put another in its place. */
	if (xrc_override_ours(fn->pdev) > 0)
		xrc_override_set(fn->pdev, "");
	/* Before the end of the scan, the PCI core itself will do this. */
	if (device_attach(&fn->pdev->dev) < 0)
		dev_dbg(&fn->pdev->dev, "xen-root-complex: no driver took it\n");
	xrc_leave();
}

/* Says why a function is not given to a driver, and leaves it so. */
static __printf(2, 3) void xrc_refuse(struct xrc_function *fn,
				      const char *fmt, ...)
{
	struct va_format why;
	va_list args;

	xrc_set_state(fn, XRC_REFUSED);
	va_start(args, fmt);
	why.fmt = fmt;
	why.va = &args;
	pr_err("%s: %pV, not given to a driver\n", pci_name(fn->pdev), &why);
	va_end(args);
}

static void xrc_backend(struct xrc_function *fn, u16 domid)
{
	struct xrc_map *map = &fn->bridge->map;
	u32 tree;
	int err;

	switch (xrc_map_lookup(map, fn->rid, &tree)) {
	case XRC_MAP_NONE:
		break;
	case XRC_MAP_DOMAIN:
		if (tree != domid) {
			xrc_refuse(fn, "backend domain %u, but the device tree says domain %u",
				   domid, tree);
			return;
		}
		pr_info("%s: backend domain %u, as the device tree says\n",
			pci_name(fn->pdev), domid);
		xrc_give(fn);
		return;
	case XRC_MAP_OTHER:
		xrc_refuse(fn, "backend domain %u, but the iommu-map of %pOF has something else",
			   domid, map->np);
		return;
	}

	err = xrc_map_set(map, fn->rid, domid);
	if (err == -ENXIO) {
		xrc_refuse(fn, "backend domain %u, but there is no xen,grant-dma node",
			   domid);
		return;
	}
	if (err) {
		xrc_refuse(fn, "backend domain %u, but the iommu-map of %pOF does not take it: %pe",
			   domid, map->np, ERR_PTR(err));
		return;
	}
	fn->mapped = true;
	pr_info("%s: backend domain %u\n", pci_name(fn->pdev), domid);
	xrc_give(fn);
}

static void xrc_no_backend(struct xrc_function *fn)
{
	u32 tree;

	/* Another kind of IOMMU is all right. */
	if (xrc_map_lookup(&fn->bridge->map, fn->rid, &tree) == XRC_MAP_DOMAIN) {
		xrc_refuse(fn, "no backend, but the device tree says domain %u",
			   tree);
		return;
	}
	pr_info("%s: no backend, no grants\n", pci_name(fn->pdev));
	xrc_give(fn);
}

static void xrc_not_yet(struct xrc_function *fn)
{
	if (!fn->delay) {
		pr_info("%s: the backend is not ready, asking again\n",
			pci_name(fn->pdev));
		fn->delay = msecs_to_jiffies(XRC_AGAIN_MS);
	} else {
		fn->delay = min(2 * fn->delay,
				msecs_to_jiffies(XRC_AGAIN_MAX_MS));
	}
	fn->due = jiffies + fn->delay;
}

static void xrc_function_ask(struct xrc_function *fn)
{
	u32 answer;
	u16 domid;

	switch (xrc_ask(fn, &answer)) {
	case 0:
		break;
	case -ENODEV:
		return;
	case -EIO:
		xrc_refuse(fn, "the root complex is gone");
		return;
	default:
		xrc_refuse(fn, "no answer within %d ms (%#010x)",
			   XRC_DEADLINE_MS, answer);
		return;
	}

	domid = FIELD_GET(XRC_ANSWER_DOMID, answer);
	if (answer & XRC_ANSWER_RESERVED)
		goto nonsense;
	switch (FIELD_GET(XRC_ANSWER_STATUS, answer)) {
	case XRC_STATUS_BACKEND:
		if (domid >= DOMID_FIRST_RESERVED)
			goto nonsense;
		xrc_backend(fn, domid);
		return;
	case XRC_STATUS_NO_BACKEND:
		xrc_no_backend(fn);
		return;
	case XRC_STATUS_UNKNOWN:
		xrc_refuse(fn, "unknown to the root complex");
		return;
	case XRC_STATUS_NOT_YET:
		xrc_not_yet(fn);
		return;
	}
nonsense:
	xrc_refuse(fn, "the answer %#010x makes no sense", answer);
}

static void xrc_function_forget(struct xrc_function *fn)
{
	int err;

	spin_lock(&xrc_lock);
	list_del(&fn->list);
	spin_unlock(&xrc_lock);

	if (fn->mapped) {
		err = xrc_map_clear(&fn->bridge->map, fn->rid);
		if (err)
			pr_err("cannot give %pOF its iommu-map back: %pe\n",
			       fn->bridge->map.np, ERR_PTR(err));
	}
	xrc_function_free(fn);
}

/*
 * What to do next: one that is gone goes first, as another may have come in its
 * place. NULL if there is nothing now; then @wait says how long, if at all.
 */
static struct xrc_function *xrc_function_next(unsigned long *wait)
{
	struct xrc_function *fn, *next = NULL;
	unsigned long now = jiffies;

	*wait = MAX_JIFFY_OFFSET;
	spin_lock(&xrc_lock);
	list_for_each_entry(fn, &xrc_functions, list) {
		if (fn->state == XRC_NEW)
			continue;
		if (fn->gone) {
			next = fn;
			break;
		}
		if (fn->state != XRC_WAITING)
			continue;
		if (time_before(now, fn->due))
			*wait = min(*wait, fn->due - now);
		else if (!next)
			next = fn;
	}
	spin_unlock(&xrc_lock);
	return next;
}

static void xrc_work_fn(struct work_struct *work)
{
	struct xrc_function *fn;
	unsigned long wait;

	while ((fn = xrc_function_next(&wait))) {
		if (fn->gone)
			xrc_function_forget(fn);
		else
			xrc_function_ask(fn);
	}
	/* Sooner, if somebody queued it meanwhile. */
	if (wait != MAX_JIFFY_OFFSET)
		queue_delayed_work(xrc_wq, &xrc_work, wait);
}

/* There is something to do, or may be. */
void xrc_worker_wake(void)
{
	mod_delayed_work(xrc_wq, &xrc_work, 0);
}

int xrc_worker_init(void)
{
	xrc_wq = alloc_ordered_workqueue("xen-root-complex", 0);
	return xrc_wq ? 0 : -ENOMEM;
}

/* Nobody wakes it any more. */
void xrc_worker_exit(void)
{
	cancel_delayed_work_sync(&xrc_work);
	destroy_workqueue(xrc_wq);
}
