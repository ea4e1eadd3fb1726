// SPDX-License-Identifier: GPL-2.0-only
/*
 * A PCI root complex that knows the backends of its functions: the guest's
 * side of the register that is specified in README.md.
 *
 * A function of such a root complex is held back as soon as it turns up, and
 * put into a list. One work item does all the rest (worker.c): it asks, adds an
 * entry to the iommu-map of the host bridge's node, and gives the function to
 * the drivers. drivers/xen/grant-dma-ops.c then finds there what it looks for.
 *
 * Nothing is asked or changed where the function turns up, because that place
 * has locks: pci_rescan_remove_lock, the notifier chain of the bus, and, where
 * a change of the device tree brought the bridge, the chain of the tree's own
 * listeners, which every change of the tree takes again.
 *
 *	xrc_lock	the list and the states; innermost, a spinlock
 *	pci_rescan_remove_lock
 *			while it is held and a function is not gone, its root
 *			bus is there, and can be read
 *	xrc_bridges_mutex
 *			the list of bridges; what a bridge holds is the worker's
 */
#define pr_fmt(fmt) "xen-root-complex: " fmt

#include <linux/device.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/jiffies.h>
#include <linux/list.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/notifier.h>
#include <linux/of.h>
#include <linux/pci.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/spinlock.h>

#include "override.h"
#include "xen-root-complex.h"

LIST_HEAD(xrc_functions);
DEFINE_SPINLOCK(xrc_lock);

static LIST_HEAD(xrc_bridges);
static DEFINE_MUTEX(xrc_bridges_mutex);

/*
 * The two ends of an access to what is there only as long as the function: its
 * root bus, and its place on a bus.
 */
bool xrc_enter(struct xrc_function *fn)
{
	pci_lock_rescan_remove();
	if (!READ_ONCE(fn->gone))
		return true;
	pci_unlock_rescan_remove();
	return false;
}

void xrc_leave(void)
{
	pci_unlock_rescan_remove();
}

static struct pci_bus *xrc_root_bus(struct pci_dev *pdev)
{
	struct pci_bus *bus = pdev->bus;

	while (!pci_is_root_bus(bus))
		bus = bus->parent;
	return bus;
}

/* Where drivers/xen/grant-dma-ops.c looks for the iommu-map. */
static struct device_node *xrc_bridge_node(struct pci_bus *root)
{
	return root->bridge->parent ? root->bridge->parent->of_node : NULL;
}

static struct xrc_bridge *xrc_bridge_get(struct device_node *np)
{
	struct xrc_bridge *bridge;

	mutex_lock(&xrc_bridges_mutex);
	list_for_each_entry(bridge, &xrc_bridges, list) {
		if (bridge->map.np == np)
			goto out;
	}
	bridge = kzalloc(sizeof(*bridge), GFP_KERNEL);
	if (bridge) {
		bridge->map.np = of_node_get(np);
		list_add_tail(&bridge->list, &xrc_bridges);
	}
out:
	mutex_unlock(&xrc_bridges_mutex);
	return bridge;
}

/* Puts a function into the list; false if it is there already. */
static bool xrc_function_insert(struct xrc_function *fn)
{
	struct xrc_function *other;
	bool first, known = false;

	spin_lock(&xrc_lock);
	list_for_each_entry(other, &xrc_functions, list)
		known |= other->pdev == fn->pdev;
	if (!known) {
		list_add_tail(&fn->list, &xrc_functions);
		first = !fn->bridge->functions++;
	}
	spin_unlock(&xrc_lock);

	if (!known && first)
		pr_info("pci %04x:%02x:%02x.%u answers for %pOF\n",
			pci_domain_nr(fn->reg.root), fn->reg.root->number,
			PCI_SLOT(fn->reg.devfn), PCI_FUNC(fn->reg.devfn),
			fn->bridge->map.np);
	return !known;
}

static struct xrc_function *xrc_function_new(struct pci_dev *pdev,
					     struct device_node *np,
					     const struct xrc_register *reg)
{
	struct xrc_function *fn = kzalloc(sizeof(*fn), GFP_KERNEL);

	if (!fn)
		return NULL;
	fn->bridge = xrc_bridge_get(np);
	if (!fn->bridge) {
		kfree(fn);
		return NULL;
	}
	fn->pdev = pci_dev_get(pdev);
	fn->reg = *reg;
	fn->rid = pci_dev_id(pdev);
	fn->due = jiffies;
	return fn;
}

void xrc_function_free(struct xrc_function *fn)
{
	pci_dev_put(fn->pdev);
	kfree(fn);
}

/**
 * xrc_ask_again() - ask now for functions whose backends were not ready
 * @root: the root bus that they are behind
 *
 * The caller has pci_rescan_remove_lock.
 */
void xrc_ask_again(struct pci_bus *root)
{
	struct xrc_function *fn;

	spin_lock(&xrc_lock);
	list_for_each_entry(fn, &xrc_functions, list) {
		if (fn->state == XRC_WAITING && !fn->gone && fn->reg.root == root)
			fn->due = jiffies;
	}
	spin_unlock(&xrc_lock);
	xrc_worker_wake();
}

/*
 * Whether functions on a root bus have to be asked for, and where. A bridge
 * that had the register, and has it no more, has become no ordinary one: the
 * function will not be answered for.
 */
static bool xrc_recognise(struct pci_bus *root, struct xrc_register *reg)
{
	struct xrc_function *fn;
	bool known = false;

	if (xrc_find(root, reg))
		return true;

	spin_lock(&xrc_lock);
	list_for_each_entry(fn, &xrc_functions, list) {
		if (fn->reg.root == root && !fn->gone) {
			*reg = fn->reg;
			known = true;
			break;
		}
	}
	spin_unlock(&xrc_lock);
	return known;
}

/* A function turned up that no driver has been offered yet. */
static void xrc_function_added(struct pci_dev *pdev)
{
	struct pci_bus *root = xrc_root_bus(pdev);
	struct device_node *np = xrc_bridge_node(root);
	struct xrc_register reg;
	struct xrc_function *fn;
	int err;

	if (!np || pdev->class >> 8 == PCI_CLASS_BRIDGE_HOST)
		return;
	if (!xrc_recognise(root, &reg))
		return;

	fn = xrc_function_new(pdev, np, &reg);
	if (fn && !xrc_function_insert(fn)) {
		xrc_function_free(fn);
		return;
	}
	err = xrc_override_set(pdev, XRC_NOBODY);
	if (err)
		pr_err("%s: cannot be held back: %pe\n", pci_name(pdev),
		       ERR_PTR(err));
	if (!fn) {
		pr_err("%s: out of memory, not given to a driver\n",
		       pci_name(pdev));
		return;
	}

	spin_lock(&xrc_lock);
	fn->state = XRC_WAITING;
	spin_unlock(&xrc_lock);
	xrc_worker_wake();
}

static void xrc_function_removed(struct pci_dev *pdev)
{
	struct xrc_function *fn;
	bool known = false;

	spin_lock(&xrc_lock);
	list_for_each_entry(fn, &xrc_functions, list) {
		if (fn->pdev != pdev || fn->gone)
			continue;
		WRITE_ONCE(fn->gone, true);
		fn->bridge->functions--;
		known = true;
	}
	spin_unlock(&xrc_lock);
	if (known)
		xrc_worker_wake();
}

static int xrc_notify(struct notifier_block *nb, unsigned long action,
		      void *data)
{
	struct pci_dev *pdev = to_pci_dev(data);

	if (action == BUS_NOTIFY_ADD_DEVICE)
		xrc_function_added(pdev);
	else if (action == BUS_NOTIFY_DEL_DEVICE)
		xrc_function_removed(pdev);
	return NOTIFY_DONE;
}

static struct notifier_block xrc_nb = {
	.notifier_call = xrc_notify,
};

/* A function that was there before this module. */
static void xrc_function_found(struct pci_dev *pdev)
{
	struct pci_bus *root = xrc_root_bus(pdev);
	const char *driver = NULL;
	struct xrc_register reg;

	if (!xrc_bridge_node(root) || !xrc_find(root, &reg))
		return;

	device_lock(&pdev->dev);
	if (pdev->dev.driver)
		driver = pdev->dev.driver->name;
	device_unlock(&pdev->dev);

	if (driver)
		pr_warn("%s: has a driver already (%s), not asked for\n",
			pci_name(pdev), driver);
	else if (!xrc_override_ours(pdev))
		pr_warn("%s: has a driver_override already, not asked for\n",
			pci_name(pdev));
	else
		xrc_function_added(pdev);
}

/* Alone: neither notifier nor work is left. Returns how many stay held back. */
static unsigned int xrc_forget_all(void)
{
	struct xrc_bridge *bridge, *next_bridge;
	struct xrc_function *fn, *next_fn;
	unsigned int held = 0;
	int err;

	list_for_each_entry_safe(fn, next_fn, &xrc_functions, list) {
		if (!fn->gone && fn->state != XRC_GIVEN)
			held++;
		list_del(&fn->list);
		xrc_function_free(fn);
	}
	list_for_each_entry_safe(bridge, next_bridge, &xrc_bridges, list) {
		err = xrc_map_restore(&bridge->map);
		if (err)
			pr_err("cannot give %pOF its iommu-map back: %pe\n",
			       bridge->map.np, ERR_PTR(err));
		of_node_put(bridge->map.np);
		list_del(&bridge->list);
		kfree(bridge);
	}
	return held;
}

static int __init xrc_init(void)
{
	struct pci_dev *pdev = NULL;
	int err;

	err = xrc_worker_init();
	if (err)
		return err;

	/* No function comes or goes between the notifier and the search. */
	pci_lock_rescan_remove();
	err = bus_register_notifier(&pci_bus_type, &xrc_nb);
	if (!err) {
		for_each_pci_dev(pdev)
			xrc_function_found(pdev);
	}
	pci_unlock_rescan_remove();
	if (err)
		goto err_worker;

	/* Last: what an interrupt finds has to be held back already. */
	err = xrc_notice_init();
	if (err)
		goto err_notifier;

	pr_info("ready\n");
	return 0;

err_notifier:
	bus_unregister_notifier(&pci_bus_type, &xrc_nb);
err_worker:
	xrc_worker_exit();
	xrc_forget_all();
	return err;
}

static void __exit xrc_exit(void)
{
	unsigned int held;

	xrc_notice_exit();
	bus_unregister_notifier(&pci_bus_type, &xrc_nb);
	xrc_worker_exit();

	held = xrc_forget_all();
	if (held)
		pr_warn("unloaded, %u functions are still held back\n", held);
	else
		pr_info("unloaded\n");
}

module_init(xrc_init);
module_exit(xrc_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("PCI root complex that answers a function with the domain of its backend");
