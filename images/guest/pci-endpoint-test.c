// SPDX-License-Identifier: GPL-2.0-only
/*
 * guestrig-pci endpoint-test: the ioctls of the stock driver drivers/misc/pci_endpoint_test.c. As in that driver, READ and
 * WRITE are seen from the guest: READ lets the function write into the guest's memory.
 *
 * The verdict is the driver's. That of Linux 6.12 passes the test of a BAR that is not there, because its
 * pci_endpoint_test_bar() returns -ENODATA as a bool.
 */
#define _GNU_SOURCE
#include "pci.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* Not all C libraries for cross-building bring include/uapi/linux/pcitest.h; the numbers are those of Linux 6.12. */
#if __has_include(<linux/pcitest.h>)
#include <linux/pcitest.h>
#else
#define PCITEST_BAR _IO('P', 0x1)
#define PCITEST_MSI _IOW('P', 0x3, int)
#define PCITEST_WRITE _IOW('P', 0x4, unsigned long)
#define PCITEST_READ _IOW('P', 0x5, unsigned long)
#define PCITEST_COPY _IOW('P', 0x6, unsigned long)
#define PCITEST_MSIX _IOW('P', 0x7, int)
#define PCITEST_SET_IRQTYPE _IOW('P', 0x8, int)
#define PCITEST_GET_IRQTYPE _IO('P', 0x9)
#define PCITEST_CLEAR_IRQ _IO('P', 0x10)
#define PCITEST_FLAGS_USE_DMA 0x00000001

struct pci_endpoint_test_xfer_param {
	unsigned long size;
	unsigned char flags;
};
#endif
/* PCITEST_LEGACY_IRQ in the header of Linux 6.1, both names in that of 6.12 */
#ifndef PCITEST_INTX_IRQ
#define PCITEST_INTX_IRQ _IO('P', 0x2)
#endif

/* In the order of the driver's IRQ_TYPE_INTX, IRQ_TYPE_MSI, IRQ_TYPE_MSIX */
static const char *const IRQ_TYPES[] = { "intx", "msi", "msix" };
#define LAST_IRQ_TYPE 2

enum argument { NONE, BAR_NUMBER, VECTOR, BYTES, IRQ_TYPE };

static const struct test {
	const char *name;
	unsigned long request;
	enum argument argument;
	uint64_t most;
} TESTS[] = {
	{ "bar", PCITEST_BAR, BAR_NUMBER, BARS - 1 },
	{ "intx", PCITEST_INTX_IRQ, NONE, 0 },
	{ "msi", PCITEST_MSI, VECTOR, 32 },
	{ "msix", PCITEST_MSIX, VECTOR, 2048 },
	{ "read", PCITEST_READ, BYTES, LONG_MAX },
	{ "write", PCITEST_WRITE, BYTES, LONG_MAX },
	{ "copy", PCITEST_COPY, BYTES, LONG_MAX },
	{ "set-irqtype", PCITEST_SET_IRQTYPE, IRQ_TYPE, LAST_IRQ_TYPE },
	{ "get-irqtype", PCITEST_GET_IRQTYPE, NONE, 0 },
	{ "clear-irq", PCITEST_CLEAR_IRQ, NONE, 0 },
};

static const char *const ARGUMENTS[] = {
	[NONE] = "nothing", [BAR_NUMBER] = "the number of a BAR", [VECTOR] = "the number of a vector, from 1",
	[BYTES] = "a size in bytes", [IRQ_TYPE] = "intx, msi or msix",
};

static const struct test *find_test(const char *name)
{
	for (size_t i = 0; i < sizeof(TESTS) / sizeof(TESTS[0]); i++)
		if (!strcasecmp(name, TESTS[i].name))
			return &TESTS[i];
	wrong_usage("there is no test '%s'", name);
}

static uint64_t parse_argument(const struct test *test, const char *text)
{
	if (test->argument != IRQ_TYPE)
		return parse_number(text, ARGUMENTS[test->argument], test->most);
	for (int type = 0; type <= LAST_IRQ_TYPE; type++)
		if (!strcasecmp(text, IRQ_TYPES[type]))
			return type;
	wrong_usage("'%s' is no type of interrupt: expected %s", text, ARGUMENTS[IRQ_TYPE]);
}

static int open_device(const char *name, char path[64])
{
	int fd;

	if (*name == '/')
		snprintf(path, 64, "%s", name);
	else
		snprintf(path, 64, "/dev/pci-endpoint-test.%u",
			 (unsigned)parse_number(name, "DEVICE (unless it is a path)", INT_MAX));
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		not_possible("%s: %s (is the function bound to pci-endpoint-test?)", path, strerror(errno));
	return fd;
}

/*
 * In Linux 6.1 and 6.12 the driver answers 1 for passed and 0 for failed; in later kernels 0 for passed, and an error for
 * failed ("misc: pci_endpoint_test: Fix IOCTL return value"). A transfer of no bytes, which all refuse before they touch
 * anything, tells them apart.
 */
static int zero_means_passed(int fd, const char *path)
{
	struct pci_endpoint_test_xfer_param nothing = { 0 };
	int returned = ioctl(fd, PCITEST_WRITE, &nothing);

	if (returned < 0 && errno != EINVAL)
		not_possible("%s does not know the ioctls of pci-endpoint-test: %s", path, strerror(errno));
	return returned < 0;
}

int endpoint_test(int argc, char **argv)
{
	struct pci_endpoint_test_xfer_param transfer = { 0 };
	const struct test *test;
	uint64_t argument = 0;
	int fd, returned, error, passed, wanted, dma = 0;
	char path[64];

	if (argc < 2)
		wrong_usage("endpoint-test takes a device and a test");
	test = find_test(argv[1]);
	wanted = test->argument == NONE ? 2 : 3;
	if (test->argument == BYTES && argc == 4 && !strcmp(argv[3], "dma"))
		dma = 1;
	else if (argc != wanted)
		wrong_usage("the test %s takes %s", test->name, ARGUMENTS[test->argument]);
	if (test->argument != NONE)
		argument = parse_argument(test, argv[2]);
	if ((test->argument == VECTOR || test->argument == BYTES) && !argument)
		wrong_usage("the test %s takes %s, not 0", test->name, ARGUMENTS[test->argument]);

	fd = open_device(argv[0], path);
	if (test->request == PCITEST_GET_IRQTYPE) {
		returned = ioctl(fd, test->request);
		error = errno;
		passed = returned >= 0 && returned <= LAST_IRQ_TYPE;
	} else {
		int passing = zero_means_passed(fd, path) ? 0 : 1;

		transfer.size = argument;
		transfer.flags = dma ? PCITEST_FLAGS_USE_DMA : 0;
		returned = test->argument == BYTES ? ioctl(fd, test->request, &transfer)
						   : ioctl(fd, test->request, argument);
		error = errno;
		passed = returned == passing;
	}

	printf("{\"device\":\"%s\",\"test\":\"%s\",", path, test->name);
	if (test->argument == IRQ_TYPE || (test->request == PCITEST_GET_IRQTYPE && passed))
		printf("\"irqType\":\"%s\",", IRQ_TYPES[test->argument == IRQ_TYPE ? (int)argument : returned]);
	else if (test->argument != NONE)
		printf("\"argument\":%llu,", (unsigned long long)argument);
	if (test->argument == BYTES)
		printf("\"dma\":%s,", dma ? "true" : "false");
	if (returned < 0)
		printf("\"error\":\"%s\",", strerrorname_np(error) ?: "?");
	printf("\"passed\":%s}\n", passed ? "true" : "false");
	return passed ? DONE : TEST_FAILED;
}
