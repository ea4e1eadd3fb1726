/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A function is held back by a driver_override that names no driver. Where the
 * kernel keeps it, Kbuild has found out.
 */
#ifndef XEN_ROOT_COMPLEX_OVERRIDE_H
#define XEN_ROOT_COMPLEX_OVERRIDE_H

#include <linux/device.h>
#include <linux/pci.h>
#include <linux/spinlock.h>
#include <linux/string.h>

#define XRC_NOBODY	"xen-root-complex"

#ifdef XRC_OVERRIDE_IN_DEVICE

static inline int xrc_override_set(struct pci_dev *pdev, const char *name)
{
	return device_set_driver_override(&pdev->dev, name);
}

/* > 0 if it is ours, 0 if it is somebody else's, < 0 if there is none. */
static inline int xrc_override_ours(struct pci_dev *pdev)
{
	struct device *dev = &pdev->dev;
	int ours = -1;

	/* device_match_driver_override(), whose guard() sparse cannot follow. */
	spin_lock(&dev->driver_override.lock);
	if (dev->driver_override.name)
		ours = !strcmp(dev->driver_override.name, XRC_NOBODY);
	spin_unlock(&dev->driver_override.lock);
	return ours;
}

#else

static inline int xrc_override_set(struct pci_dev *pdev, const char *name)
{
	return driver_set_override(&pdev->dev, &pdev->driver_override, name,
				   strlen(name));
}

static inline int xrc_override_ours(struct pci_dev *pdev)
{
	int ours = -1;

	device_lock(&pdev->dev);
	if (pdev->driver_override)
		ours = !strcmp(pdev->driver_override, XRC_NOBODY);
	device_unlock(&pdev->dev);
	return ours;
}

#endif
#endif
