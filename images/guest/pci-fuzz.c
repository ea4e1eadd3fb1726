// SPDX-License-Identifier: GPL-2.0-only
/*
 * guestrig-pci fuzz: seeded random accesses to a function's configuration space and to its BARs of memory. The same seed
 * makes the same accesses on the same function.
 *
 * Numbers come from xorshift64* (S. Vigna, "An experimental exploration of Marsaglia's xorshift generators, scrambled",
 * 2016): x ^= x >> 12, x ^= x << 25, x ^= x >> 27, and of x * 0x2545f4914f6cdd1d the upper 32 bits, modulo what is chosen
 * from. The seed is the first x; 0, which would stay 0, stands for 1. Each access draws, in this order: where
 * (configuration space, or one of the BARs, all as likely), read or write, width, offset (in a BAR of two numbers, upper
 * half first), and for a write its value, of two numbers.
 *
 * Configuration space: 1 to 8 bytes at any offset, aligned or not, up to its end and past it. Writes that touch a register
 * of KEPT are not made. BARs: 1, 2, 4 or 8 bytes at any offset that leaves the access inside, aligned or not; everything
 * is written.
 */
#define _GNU_SOURCE
#include "pci.h"

#include <linux/pci_regs.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

enum space { ENDPOINT, BRIDGE, CAPABILITY, EXTENDED };

/*
 * What is never written, because the function would leave its addresses, take others, reset itself, go to sleep or
 * interrupt at an address of chance. Offsets are those of PCI Express Base Specification 6.0, chapter 7, as linux/pci_regs.h has them.
 */
static const struct {
	enum space space;
	uint16_t id;           /* of the capability */
	uint16_t from, length; /* bytes, from the capability's header on */
} KEPT[] = {
	{ ENDPOINT, 0, PCI_COMMAND, 2 },
	{ ENDPOINT, 0, PCI_BASE_ADDRESS_0, 24 },
	{ ENDPOINT, 0, PCI_ROM_ADDRESS, 4 },
	{ BRIDGE, 0, PCI_COMMAND, 2 },
	{ BRIDGE, 0, PCI_BASE_ADDRESS_0, 8 },
	{ BRIDGE, 0, PCI_PRIMARY_BUS, 4 },  /* bus numbers */
	{ BRIDGE, 0, PCI_IO_BASE, 2 },      /* windows, to the upper halves of the I/O window */
	{ BRIDGE, 0, PCI_MEMORY_BASE, 20 },
	{ BRIDGE, 0, PCI_ROM_ADDRESS1, 4 },
	{ BRIDGE, 0, PCI_BRIDGE_CONTROL, 2 }, /* resets what is behind it */
	{ CAPABILITY, PCI_CAP_ID_PM, PCI_PM_CTRL, 2 },       /* power state */
	{ CAPABILITY, PCI_CAP_ID_MSI, PCI_MSI_FLAGS, 12 },   /* enable, address, data */
	{ CAPABILITY, PCI_CAP_ID_MSIX, PCI_MSIX_FLAGS, 2 },  /* enable */
	{ CAPABILITY, PCI_CAP_ID_EXP, PCI_EXP_DEVCTL, 2 },   /* function-level reset */
	{ CAPABILITY, PCI_CAP_ID_EXP, PCI_EXP_LNKCTL, 2 },   /* link disable */
	{ CAPABILITY, PCI_CAP_ID_EXP, PCI_EXP_SLTCTL, 2 },   /* slot power */
	{ CAPABILITY, PCI_CAP_ID_AF, PCI_AF_CTRL, 1 },       /* function-level reset */
	{ EXTENDED, PCI_EXT_CAP_ID_SRIOV, PCI_SRIOV_CTRL, 0x38 }, /* virtual functions and their BARs */
	{ EXTENDED, PCI_EXT_CAP_ID_REBAR, PCI_REBAR_CAP, 48 },    /* BARs of other sizes: six pairs */
};

#define KEPT_ROWS (sizeof(KEPT) / sizeof(KEPT[0]))

static uint8_t kept[PCI_CFG_SPACE_EXP_SIZE];

struct counts {
	uint64_t reads, writes;
	uint64_t spared;           /* writes that were not made */
	uint64_t cut, failed;      /* configuration space: past its end; refused by the kernel */
	uint64_t aborts, unaligned; /* BARs */
};

static uint64_t state;

static uint32_t next(void)
{
	state ^= state >> 12;
	state ^= state << 25;
	state ^= state >> 27;
	return (state * 0x2545f4914f6cdd1dULL) >> 32;
}

static uint32_t draw(uint32_t choices)
{
	return next() % choices;
}

static uint64_t draw_value(void)
{
	uint64_t upper = next();

	return upper << 32 | next();
}

static void keep(enum space space, unsigned id, unsigned at)
{
	for (size_t row = 0; row < KEPT_ROWS; row++)
		for (unsigned i = 0; KEPT[row].space == space && KEPT[row].id == id && i < KEPT[row].length; i++)
			if (at + KEPT[row].from + i < sizeof(kept))
				kept[at + KEPT[row].from + i] = 1;
}

static unsigned config(const struct function *function, unsigned offset, unsigned width)
{
	uint64_t value;

	if (config_read(function, offset, width, &value) != width)
		not_possible("config of %s: no %u bytes at 0x%x", function->bdf, width, offset);
	return value;
}

/* Capabilities are followed as often as there is room for one, so that a list that bites its tail ends. */
static void find_kept(const struct function *function)
{
	unsigned at, header, left;

	keep(config(function, PCI_HEADER_TYPE, 1) & 0x7f ? BRIDGE : ENDPOINT, 0, 0);
	at = config(function, PCI_STATUS, 2) & PCI_STATUS_CAP_LIST ? config(function, PCI_CAPABILITY_LIST, 1) & ~3 : 0;
	for (left = 48; at >= PCI_STD_HEADER_SIZEOF && left; left--) {
		keep(CAPABILITY, config(function, at, 1), at);
		at = config(function, at + PCI_CAP_LIST_NEXT, 1) & ~3;
	}
	if (function->size <= PCI_CFG_SPACE_SIZE)
		return;
	for (at = PCI_CFG_SPACE_SIZE, left = 480; at >= PCI_CFG_SPACE_SIZE && left; left--) {
		header = config(function, at, 4);
		if (!header || header == 0xffffffff)
			break;
		keep(EXTENDED, PCI_EXT_CAP_ID(header), at);
		at = PCI_EXT_CAP_NEXT(header);
	}
}

static int is_kept(unsigned offset, unsigned width)
{
	for (unsigned at = offset; at < offset + width && at < sizeof(kept); at++)
		if (kept[at])
			return 1;
	return 0;
}

static void fuzz_config(const struct function *function, struct counts *counts)
{
	int writes = draw(2);
	unsigned width = 1 + draw(8), offset = draw(function->size);
	uint64_t value = writes ? draw_value() : 0;
	long moved;

	if (writes && is_kept(offset, width)) {
		counts->spared++;
		return;
	}
	moved = writes ? config_write(function, offset, width, value) : config_read(function, offset, width, &value);
	if (writes)
		counts->writes++;
	else
		counts->reads++;
	if (moved < 0)
		counts->failed++;
	else if (moved < width)
		counts->cut++;
}

static void fuzz_bar(const struct bar *bar, struct counts *counts)
{
	int writes = draw(2), code;
	unsigned width = 1 << draw(4);
	uint64_t places = bar->size - width + 1, value;
	uint64_t offset = draw_value() % places;

	value = writes ? draw_value() : 0;
	if (writes)
		counts->writes++;
	else
		counts->reads++;
	code = sigsetjmp(bus_error, 0);
	if (code == BUS_ADRALN)
		counts->unaligned++;
	else if (code)
		counts->aborts++;
	else if (writes)
		bar_write(bar, offset, width, value);
	else
		bar_read(bar, offset, width);
}

static void refuse_bound(const struct function *function)
{
	char path[96], target[256];
	ssize_t length;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver", function->bdf);
	length = readlink(path, target, sizeof(target) - 1);
	if (length < 0)
		return;
	target[length] = 0;
	not_possible("%s belongs to the driver %s, which would be fuzzed with it: echo %s >%s/unbind", function->bdf,
		     strrchr(target, '/') + 1, function->bdf, path);
}

#define ULL(value) ((unsigned long long)(value))

int fuzz(const struct function *function, uint64_t seed, uint64_t count)
{
	struct counts config_counts = { 0 }, bar_counts[BARS] = { 0 };
	struct bar bars[BARS];
	int found = 0;

	refuse_bound(function);
	if (!answers(function))
		not_possible("%s does not answer: its vendor ID reads as all ones", function->bdf);
	find_kept(function);
	for (int number = 0; number < BARS; number++)
		if (bar_size(function, number))
			map_bar(function, number, &bars[found++]);
	catch_bus_errors();

	state = seed ? seed : 1;
	for (uint64_t i = 0; i < count; i++) {
		int where = draw(1 + found);

		if (where)
			fuzz_bar(&bars[where - 1], &bar_counts[where - 1]);
		else
			fuzz_config(function, &config_counts);
	}

	printf("{\"bdf\":\"%s\",\"seed\":\"%llu\",\"count\":%llu,", function->bdf, ULL(seed), ULL(count));
	printf("\"config\":{\"size\":%u,\"reads\":%llu,\"writes\":%llu,\"spared\":%llu,\"cut\":%llu,\"failed\":%llu},",
	       function->size, ULL(config_counts.reads), ULL(config_counts.writes), ULL(config_counts.spared),
	       ULL(config_counts.cut), ULL(config_counts.failed));
	printf("\"bars\":[");
	for (int i = 0; i < found; i++)
		printf("%s{\"bar\":%d,\"size\":%llu,\"reads\":%llu,\"writes\":%llu,\"externalAborts\":%llu,"
		       "\"alignmentFaults\":%llu}",
		       i ? "," : "", bars[i].number, ULL(bars[i].size), ULL(bar_counts[i].reads),
		       ULL(bar_counts[i].writes), ULL(bar_counts[i].aborts), ULL(bar_counts[i].unaligned));
	printf("],\"answers\":%s}\n", answers(function) ? "true" : "false");
	return DONE;
}
