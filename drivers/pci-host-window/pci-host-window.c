// SPDX-License-Identifier: GPL-2.0-only
/*
 * A PCI host bridge whose configuration space is reached through two
 * registers, an address and a window onto the addressed dword, as with the
 * ports 0xcf8 and 0xcfc of a PC. See README.md.
 */
#include <linux/bits.h>
#include <linux/build_bug.h>
#include <linux/device.h>
#include <linux/err.h>
#include <linux/io.h>
#include <linux/kconfig.h>
#include <linux/mod_devicetable.h>
#include <linux/module.h>
#include <linux/of_pci.h>
#include <linux/pci.h>
#include <linux/platform_device.h>

#define WIN_ADDRESS		0x0	/* 32 bits */
#define  WIN_ADDRESS_ENABLE	BIT(31)
#define  WIN_ADDRESS_BUS(bus)	((u32)(bus) << 20)
#define  WIN_ADDRESS_DEVFN(fn)	((u32)(fn) << 12)
#define  WIN_ADDRESS_REG(reg)	((u32)(reg) & 0xffc)
#define WIN_DATA		0x8	/* 8, 16 or 32 bits, at + (reg & 3) */
#define WIN_SIZE		0x10

struct pci_window {
	void __iomem *regs;
};

/*
 * Between the address and the data nobody else may come: every access of the
 * PCI core is made under pci_lock, a raw spinlock for all bridges together,
 * unless the architecture has given that up.
 */
static void __iomem *pci_window_map_bus(struct pci_bus *bus, unsigned int devfn,
					int where)
{
	struct pci_window *win = bus->sysdata;

	BUILD_BUG_ON(IS_ENABLED(CONFIG_PCI_LOCKLESS_CONFIG));

	writel(WIN_ADDRESS_ENABLE | WIN_ADDRESS_BUS(bus->number) |
	       WIN_ADDRESS_DEVFN(devfn) | WIN_ADDRESS_REG(where),
	       win->regs + WIN_ADDRESS);
	return win->regs + WIN_DATA + (where & 3);
}

static struct pci_ops pci_window_ops = {
	.map_bus	= pci_window_map_bus,
	.read		= pci_generic_config_read,
	.write		= pci_generic_config_write,
};

static void pci_window_stop(void *data)
{
	struct pci_host_bridge *bridge = data;

	pci_lock_rescan_remove();
	pci_stop_root_bus(bridge->bus);
	pci_remove_root_bus(bridge->bus);
	pci_unlock_rescan_remove();
}

static int pci_window_probe(struct platform_device *pdev)
{
	struct device *dev = &pdev->dev;
	struct pci_host_bridge *bridge;
	struct pci_window *win;
	struct resource *res;
	int err;

	res = platform_get_resource(pdev, IORESOURCE_MEM, 0);
	if (!res || resource_size(res) < WIN_SIZE)
		return dev_err_probe(dev, -EINVAL, "reg[0] is not a window of %#x bytes\n",
				     WIN_SIZE);

	bridge = devm_pci_alloc_host_bridge(dev, sizeof(*win));
	if (!bridge)
		return -ENOMEM;
	win = pci_host_bridge_priv(bridge);

	/* Not ioremap(): a configuration write has to arrive before it is over. */
	win->regs = devm_pci_remap_cfg_resource(dev, res);
	if (IS_ERR(win->regs))
		return PTR_ERR(win->regs);

	of_pci_check_probe_only();
	if (!pci_has_flag(PCI_PROBE_ONLY))
		pci_add_flags(PCI_REASSIGN_ALL_BUS);

	bridge->sysdata = win;
	bridge->ops = &pci_window_ops;
	bridge->msi_domain = true;

	dev_info(dev, "configuration space through a window at %pR\n", res);
	err = pci_host_probe(bridge);
	if (err)
		return err;

	/* An action, and no remove(): it differs between kernels. */
	return devm_add_action_or_reset(dev, pci_window_stop, bridge);
}

static const struct of_device_id pci_window_of_match[] = {
	{ .compatible = "guestrig,pci-host-window" },
	{ }
};
MODULE_DEVICE_TABLE(of, pci_window_of_match);

static struct platform_driver pci_window_driver = {
	.driver = {
		.name = "pci-host-window",
		.of_match_table = pci_window_of_match,
	},
	.probe = pci_window_probe,
};
module_platform_driver(pci_window_driver);

MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("PCI host bridge with configuration space behind an address and a data register");
