// SPDX-License-Identifier: GPL-2.0-only
/*
 * The register: where it is, and how it is asked.
 *
 * Functions are looked for by raw reads on the root bus, not by struct pci_dev:
 * the first functions of a bus turn up before the one with the register has
 * been scanned.
 */
#include <linux/bitfield.h>
#include <linux/delay.h>
#include <linux/errno.h>
#include <linux/jiffies.h>
#include <linux/minmax.h>
#include <linux/pci.h>
#include <linux/pci_ids.h>

#include "xen-root-complex.h"

#define XRC_DVSEC_ID		0x0001
#define XRC_DVSEC_REV		1	/* later ones have to be compatible */
#define XRC_DVSEC_LEN		0x10
#define XRC_DVSEC_QUERY		0x0c
#define XRC_DVSEC_NOTICE	0x10
#define XRC_DVSEC_LEN_NOTICE	0x14

#define XRC_POLL_US		20	/* the first pause, then twice as long */
#define XRC_POLL_MAX_US		10000

static u32 xrc_read(const struct xrc_register *reg)
{
	u32 value;

	pci_bus_read_config_dword(reg->root, reg->devfn, reg->pos, &value);
	return value;
}

static bool xrc_is_dvsec(struct pci_bus *root, unsigned int devfn, u16 pos)
{
	u32 header1, header2;

	pci_bus_read_config_dword(root, devfn, pos + PCI_DVSEC_HEADER1, &header1);
	if (PCI_DVSEC_HEADER1_VID(header1) != PCI_VENDOR_ID_XEN)
		return false;

	pci_bus_read_config_dword(root, devfn, pos + PCI_DVSEC_HEADER2, &header2);
	return PCI_DVSEC_HEADER2_ID(header2) == XRC_DVSEC_ID &&
	       PCI_DVSEC_HEADER1_REV(header1) >= XRC_DVSEC_REV &&
	       PCI_DVSEC_HEADER1_LEN(header1) >= XRC_DVSEC_LEN;
}

static u16 xrc_find_dvsec(struct pci_bus *root, unsigned int devfn)
{
	int left = (PCI_CFG_SPACE_EXP_SIZE - PCI_CFG_SPACE_SIZE) / 8;
	u16 pos = PCI_CFG_SPACE_SIZE;
	u32 header;

	while (pos >= PCI_CFG_SPACE_SIZE && left-- > 0) {
		pci_bus_read_config_dword(root, devfn, pos, &header);
		if (!header || PCI_POSSIBLE_ERROR(header))
			return 0;
		if (PCI_EXT_CAP_ID(header) == PCI_EXT_CAP_ID_DVSEC &&
		    xrc_is_dvsec(root, devfn, pos))
			return pos;
		pos = PCI_EXT_CAP_NEXT(header);
	}
	return 0;
}

/**
 * xrc_find() - find the register of a root complex
 * @root: its root bus
 * @reg: where to say where it is
 *
 * Return: whether it has one.
 */
bool xrc_find(struct pci_bus *root, struct xrc_register *reg)
{
	unsigned int devfn;
	u32 id, class;
	u8 type = 0;
	u16 pos;

	for (devfn = 0; devfn < 256; devfn++) {
		/* Without a function 0, or where it is alone, no others. */
		if (PCI_FUNC(devfn) && !(type & 0x80))
			continue;
		if (!PCI_FUNC(devfn))
			type = 0;

		pci_bus_read_config_dword(root, devfn, PCI_VENDOR_ID, &id);
		if (!id || PCI_POSSIBLE_ERROR(id))
			continue;
		if (!PCI_FUNC(devfn))
			pci_bus_read_config_byte(root, devfn, PCI_HEADER_TYPE,
						 &type);

		pci_bus_read_config_dword(root, devfn, PCI_CLASS_REVISION,
					  &class);
		if (class >> 8 != PCI_CLASS_BRIDGE_HOST << 8)
			continue;
		pos = xrc_find_dvsec(root, devfn);
		if (pos) {
			reg->root = root;
			reg->devfn = devfn;
			reg->pos = pos + XRC_DVSEC_QUERY;
			return true;
		}
	}
	return false;
}

/**
 * xrc_find_notice() - find the register by which a root complex tells of changes
 * @pdev: a function of class host bridge
 *
 * Return: its offset in the function's configuration space, or 0.
 */
u16 xrc_find_notice(struct pci_dev *pdev)
{
	u32 header1;
	u16 pos;

	if (!pci_is_root_bus(pdev->bus))
		return 0;
	pos = xrc_find_dvsec(pdev->bus, pdev->devfn);
	if (!pos)
		return 0;
	pci_read_config_dword(pdev, pos + PCI_DVSEC_HEADER1, &header1);
	if (PCI_DVSEC_HEADER1_LEN(header1) < XRC_DVSEC_LEN_NOTICE)
		return 0;
	return pos + XRC_DVSEC_NOTICE;
}

/**
 * xrc_ask() - ask for a function
 * @fn: the function
 * @answer: what the register said in the end
 *
 * Sleeps, for XRC_DEADLINE_MS at most. One caller at a time, as a question
 * replaces the one before it.
 *
 * Return: 0 with the answer for this function; -ENODEV if the function has
 * been removed meanwhile, -EIO if the root complex is gone, -ETIMEDOUT.
 */
int xrc_ask(struct xrc_function *fn, u32 *answer)
{
	unsigned long pause = XRC_POLL_US;
	bool ask = true, asked = false, last = false;
	unsigned long deadline = 0;
	u32 value;

	for (;;) {
		if (!xrc_enter(fn))
			return -ENODEV;
		if (ask)
			pci_bus_write_config_dword(fn->reg.root, fn->reg.devfn,
						   fn->reg.pos,
						   XRC_QUERY_ASK | fn->rid);
		/* A scan of the bus may have kept us waiting: count from here. */
		if (!asked)
			deadline = jiffies + msecs_to_jiffies(XRC_DEADLINE_MS);
		asked = true;
		value = xrc_read(&fn->reg);
		xrc_leave();

		*answer = value;
		if (PCI_POSSIBLE_ERROR(value))
			return -EIO;
		ask = !(value & XRC_QUERY_ASK);
		if (ask && FIELD_GET(XRC_ANSWER_ECHO, value) == (fn->rid & 0xff))
			return 0;
		/* In flight, or an answer to somebody else's question. */

		if (last)
			return -ETIMEDOUT;
		usleep_range(pause, 2 * pause);
		pause = min_t(unsigned long, 2 * pause, XRC_POLL_MAX_US);
		/* However long the sleep was, look once more after it. */
		last = time_after(jiffies, deadline);
	}
}
