// SPDX-License-Identifier: GPL-2.0-only
/*
 * The root complex's own interrupt: something behind it has changed. The
 * function with the register gets a driver for that; it is a host bridge, which
 * is offered to drivers and taken by none.
 *
 * The work takes pci_rescan_remove_lock, and the function is removed under it,
 * so that removal cannot wait for the work. The work keeps what it needs, and
 * looks, with the lock, whether the function is still there.
 */
#define pr_fmt(fmt) "xen-root-complex: " fmt

#include <linux/bits.h>
#include <linux/device.h>
#include <linux/errno.h>
#include <linux/interrupt.h>
#include <linux/kref.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/printk.h>
#include <linux/slab.h>
#include <linux/workqueue.h>

#include "xen-root-complex.h"

#define XRC_NOTICE_CHANGED	BIT(0)	/* written: clears it */
#define XRC_NOTICE_ENABLE	BIT(1)

/**
 * struct xrc_notice - a root complex that tells of changes
 * @ref: the driver's binding, and the work while it is queued
 * @work: looks for what has changed
 * @pdev: the function; the binding keeps it
 * @pos: the offset of the register in its configuration space
 * @gone: it was removed; under pci_rescan_remove_lock, or alone
 */
struct xrc_notice {
	struct kref ref;
	struct work_struct work;
	struct pci_dev *pdev;
	u16 pos;
	bool gone;
};

static struct workqueue_struct *xrc_notice_wq;

static void xrc_notice_free(struct kref *ref)
{
	struct xrc_notice *notice = container_of(ref, struct xrc_notice, ref);

	pci_dev_put(notice->pdev);
	kfree(notice);
}

static void xrc_notice_work(struct work_struct *work)
{
	struct xrc_notice *notice = container_of(work, struct xrc_notice, work);

	pci_lock_rescan_remove();
	if (!READ_ONCE(notice->gone)) {
		pci_rescan_bus(notice->pdev->bus);
		xrc_ask_again(notice->pdev->bus);
	}
	pci_unlock_rescan_remove();
	kref_put(&notice->ref, xrc_notice_free);
}

static irqreturn_t xrc_notice_irq(int irq, void *data)
{
	struct xrc_notice *notice = data;
	u32 value;

	pci_read_config_dword(notice->pdev, notice->pos, &value);
	if (PCI_POSSIBLE_ERROR(value) || !(value & XRC_NOTICE_CHANGED))
		return IRQ_NONE;

	/* Cleared before anybody looks: what changes later is told again. */
	pci_write_config_dword(notice->pdev, notice->pos,
			       XRC_NOTICE_CHANGED | XRC_NOTICE_ENABLE);
	kref_get(&notice->ref);
	if (!queue_work(xrc_notice_wq, &notice->work))
		kref_put(&notice->ref, xrc_notice_free);
	return IRQ_HANDLED;
}

static int xrc_notice_probe(struct pci_dev *pdev,
			    const struct pci_device_id *id)
{
	struct xrc_notice *notice;
	u16 pos;
	int err;

	pos = xrc_find_notice(pdev);
	if (!pos)
		return -ENODEV;

	notice = kzalloc(sizeof(*notice), GFP_KERNEL);
	if (!notice)
		return -ENOMEM;
	kref_init(&notice->ref);
	INIT_WORK(&notice->work, xrc_notice_work);
	notice->pdev = pci_dev_get(pdev);
	notice->pos = pos;

	err = pci_enable_device(pdev);
	if (err)
		goto err_put;
	err = pci_alloc_irq_vectors(pdev, 1, 1, PCI_IRQ_ALL_TYPES);
	if (err < 0)
		goto err_disable;
	/* The doorbell of a message is memory. */
	if (pci_dev_msi_enabled(pdev))
		pci_set_master(pdev);
	err = request_irq(pci_irq_vector(pdev, 0), xrc_notice_irq, IRQF_SHARED,
			  "xen-root-complex", notice);
	if (err)
		goto err_free_vectors;

	pci_set_drvdata(pdev, notice);
	pci_write_config_dword(pdev, pos, XRC_NOTICE_ENABLE);
	pr_info("pci %s tells of changes\n", pci_name(pdev));
	return 0;

err_free_vectors:
	pci_free_irq_vectors(pdev);
err_disable:
	pci_disable_device(pdev);
err_put:
	kref_put(&notice->ref, xrc_notice_free);
	return err;
}

static void xrc_notice_remove(struct pci_dev *pdev)
{
	struct xrc_notice *notice = pci_get_drvdata(pdev);

	pci_write_config_dword(pdev, notice->pos, 0);
	free_irq(pci_irq_vector(pdev, 0), notice);
	pci_free_irq_vectors(pdev);
	pci_disable_device(pdev);
	WRITE_ONCE(notice->gone, true);
	kref_put(&notice->ref, xrc_notice_free);
}

static const struct pci_device_id xrc_notice_ids[] = {
	{ PCI_DEVICE_CLASS(PCI_CLASS_BRIDGE_HOST << 8, 0xffffff) },
	{ }
};

/* Not "xen-root-complex": functions that are held back have that as their driver. */
static struct pci_driver xrc_notice_driver = {
	.name = "xen-root-complex-notice",
	.id_table = xrc_notice_ids,
	.probe = xrc_notice_probe,
	.remove = xrc_notice_remove,
};

/**
 * xrc_notice_init() - take the interrupts of root complexes that tell of changes
 *
 * Return: 0, or a negative errno.
 */
int xrc_notice_init(void)
{
	int err;

	/* Its own: a rescan finds functions, whose asking must go on meanwhile. */
	xrc_notice_wq = alloc_ordered_workqueue("xen-root-complex-notice", 0);
	if (!xrc_notice_wq)
		return -ENOMEM;
	err = pci_register_driver(&xrc_notice_driver);
	if (err)
		destroy_workqueue(xrc_notice_wq);
	return err;
}

/** xrc_notice_exit() - the end of all interrupts and of what they started */
void xrc_notice_exit(void)
{
	pci_unregister_driver(&xrc_notice_driver);
	destroy_workqueue(xrc_notice_wq);
}
