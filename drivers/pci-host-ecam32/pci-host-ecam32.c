// SPDX-License-Identifier: GPL-2.0-only
/*
 * A PCI host bridge with an ECAM that takes 32-bit accesses only. Smaller ones
 * are made of them: a read takes its part of the dword, a write reads the
 * dword, changes its part and writes it back. See README.md.
 */
#include <linux/device.h>
#include <linux/err.h>
#include <linux/errno.h>
#include <linux/mod_devicetable.h>
#include <linux/module.h>
#include <linux/of_pci.h>
#include <linux/pci.h>
#include <linux/pci-ecam.h>
#include <linux/platform_device.h>
#include <linux/resource_ext.h>

#ifndef CONFIG_64BIT
#error "pci-host-ecam32 maps the whole ECAM at once, for which 32-bit kernels have no room"
#endif

static const struct pci_ecam_ops pci_ecam32_ops = {
	.pci_ops = {
		.map_bus	= pci_ecam_map_bus,
		.read		= pci_generic_config_read32,
		.write		= pci_generic_config_write32,
	}
};

static void pci_ecam32_unmap(void *cfg)
{
	pci_ecam_free(cfg);
}

static void pci_ecam32_stop(void *data)
{
	struct pci_host_bridge *bridge = data;

	pci_lock_rescan_remove();
	pci_stop_root_bus(bridge->bus);
	pci_remove_root_bus(bridge->bus);
	pci_unlock_rescan_remove();
}

static int pci_ecam32_probe(struct platform_device *pdev)
{
	struct device *dev = &pdev->dev;
	struct pci_config_window *cfg;
	struct pci_host_bridge *bridge;
	struct resource_entry *bus;
	struct resource *res;
	int err;

	res = platform_get_resource(pdev, IORESOURCE_MEM, 0);
	if (!res)
		return dev_err_probe(dev, -EINVAL, "no reg[0]\n");

	bridge = devm_pci_alloc_host_bridge(dev, 0);
	if (!bridge)
		return -ENOMEM;
	bus = resource_list_first_type(&bridge->windows, IORESOURCE_BUS);
	if (!bus)
		return -ENODEV;

	cfg = pci_ecam_create(dev, res, bus->res, &pci_ecam32_ops);
	if (IS_ERR(cfg))
		return PTR_ERR(cfg);
	err = devm_add_action_or_reset(dev, pci_ecam32_unmap, cfg);
	if (err)
		return err;

	of_pci_check_probe_only();
	if (!pci_has_flag(PCI_PROBE_ONLY))
		pci_add_flags(PCI_REASSIGN_ALL_BUS);

	bridge->sysdata = cfg;
	bridge->ops = (struct pci_ops *)&pci_ecam32_ops.pci_ops;
	bridge->msi_domain = true;

	err = pci_host_probe(bridge);
	if (err)
		return err;

	/* An action, and no remove(): it differs between kernels. */
	return devm_add_action_or_reset(dev, pci_ecam32_stop, bridge);
}

static const struct of_device_id pci_ecam32_of_match[] = {
	{ .compatible = "guestrig,pci-host-ecam-32bit" },
	{ }
};
MODULE_DEVICE_TABLE(of, pci_ecam32_of_match);

static struct platform_driver pci_ecam32_driver = {
	.driver = {
		.name = "pci-host-ecam32",
		.of_match_table = pci_ecam32_of_match,
	},
	.probe = pci_ecam32_probe,
};
module_platform_driver(pci_ecam32_driver);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("PCI host bridge with an ECAM that takes 32-bit accesses only");
