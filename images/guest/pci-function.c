// SPDX-License-Identifier: GPL-2.0-only
/* A PCI function as /sys/bus/pci/devices has it: its configuration space and its BARs. */
#define _GNU_SOURCE
#include "pci.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/pci_regs.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Flags in a line of the resource file, include/linux/ioport.h */
#define IORESOURCE_MEM 0x00000200
#define IORESOURCE_UNSET 0x20000000

sigjmp_buf bus_error;

static void path_of(const struct function *function, const char *file, char path[96])
{
	snprintf(path, 96, "/sys/bus/pci/devices/%s/%s", function->bdf, file);
}

void open_function(struct function *function, const char *bdf)
{
	unsigned domain = 0, bus, device, number;
	char path[96];
	struct stat status;
	int end = 0;

	if (sscanf(bdf, "%4x:%2x:%2x.%1u%n", &domain, &bus, &device, &number, &end) != 4 || bdf[end]) {
		domain = end = 0;
		if (sscanf(bdf, "%2x:%2x.%1u%n", &bus, &device, &number, &end) != 3 || bdf[end])
			end = -1;
	}
	if (end < 0 || device > 0x1f || number > 7)
		wrong_usage("'%s' is not a BDF: expected [domain:]bus:device.function such as 0000:00:01.0", bdf);
	snprintf(function->bdf, sizeof(function->bdf), "%04x:%02x:%02x.%u", domain, bus, device, number);

	path_of(function, "config", path);
	function->config = open(path, O_RDWR | O_CLOEXEC);
	if (function->config < 0 && errno == ENOENT)
		not_possible("there is no function %s: /sys/bus/pci/devices has what was found", function->bdf);
	if (function->config < 0 || fstat(function->config, &status))
		not_possible("%s: %s", path, strerror(errno));
	function->size = status.st_size;
}

int answers(const struct function *function)
{
	uint64_t vendor = 0xffff;

	return config_read(function, PCI_VENDOR_ID, 2, &vendor) == 2 && vendor != 0xffff;
}

long config_read(const struct function *function, unsigned offset, unsigned width, uint64_t *value)
{
	*value = 0;
	return pread(function->config, value, width, offset);
}

long config_write(const struct function *function, unsigned offset, unsigned width, uint64_t value)
{
	return pwrite(function->config, &value, width, offset);
}

/* The line of a BAR in the resource file. */
static void read_resource(const struct function *function, int number, uint64_t *start, uint64_t *size, uint64_t *flags)
{
	unsigned long long from = 0, to = 0, kind = 0;
	char path[96];
	FILE *file;

	path_of(function, "resource", path);
	file = fopen(path, "re");
	if (!file)
		not_possible("%s: %s", path, strerror(errno));
	for (int line = 0; line <= number; line++)
		if (fscanf(file, "%llx %llx %llx", &from, &to, &kind) != 3)
			not_possible("%s has no line %d of three numbers", path, line + 1);
	fclose(file);
	*start = from;
	*size = kind ? to - from + 1 : 0;
	*flags = kind;
}

uint64_t bar_size(const struct function *function, int number)
{
	uint64_t start, size, flags;

	read_resource(function, number, &start, &size, &flags);
	return flags & IORESOURCE_MEM && !(flags & IORESOURCE_UNSET) ? size : 0;
}

static int decodes_memory(const struct function *function)
{
	uint64_t command;

	return config_read(function, PCI_COMMAND, 2, &command) == 2 && command & PCI_COMMAND_MEMORY &&
	       command != 0xffff;
}

static void enable(const struct function *function)
{
	char path[96];
	int fd;

	if (decodes_memory(function))
		return;
	path_of(function, "enable", path);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, "1", 1) != 1)
		not_possible("memory decoding of %s is off, and %s: %s", function->bdf, path, strerror(errno));
	close(fd);
	if (!decodes_memory(function))
		not_possible("memory decoding of %s stays off (command register, bit 1), although %s took a 1",
			     function->bdf, path);
}

void map_bar(const struct function *function, int number, struct bar *bar)
{
	uint64_t start, size, flags, page = sysconf(_SC_PAGESIZE), in_page;
	char file[16], path[96];
	uint8_t *at;
	int fd;

	read_resource(function, number, &start, &size, &flags);
	if (!size)
		not_possible("%s has no BAR %d", function->bdf, number);
	if (!(flags & IORESOURCE_MEM))
		not_possible("BAR %d of %s is not memory", number, function->bdf);
	if (flags & IORESOURCE_UNSET)
		not_possible("BAR %d of %s got no address from the kernel", number, function->bdf);
	enable(function);

	snprintf(file, sizeof(file), "resource%d", number);
	path_of(function, file, path);
	fd = open(path, O_RDWR | O_SYNC | O_CLOEXEC);
	if (fd < 0)
		not_possible("%s: %s", path, strerror(errno));
	/* Whole pages are mapped, from the one that the BAR begins in. */
	in_page = start % page;
	at = mmap(NULL, (in_page + size + page - 1) / page * page, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (at == MAP_FAILED)
		not_possible("mmap of %s: %s", path, strerror(errno));
	close(fd);
	*bar = (struct bar){ .number = number, .size = size, .at = at + in_page };
}

/*
 * The instructions are spelt out so that each is one access of its width, with a plain base register: under a hypervisor,
 * only such an access tells what it was (ESR_EL2.ISV).
 */
uint64_t bar_read(const struct bar *bar, uint64_t offset, unsigned width)
{
	volatile uint8_t *at = bar->at + offset;
	uint64_t value = 0;

	switch (width) {
	case 1:
		asm volatile("ldrb %w0, [%1]" : "=r"(value) : "r"(at) : "memory");
		break;
	case 2:
		asm volatile("ldrh %w0, [%1]" : "=r"(value) : "r"(at) : "memory");
		break;
	case 4:
		asm volatile("ldr %w0, [%1]" : "=r"(value) : "r"(at) : "memory");
		break;
	case 8:
		asm volatile("ldr %0, [%1]" : "=r"(value) : "r"(at) : "memory");
		break;
	}
	return value;
}

void bar_write(const struct bar *bar, uint64_t offset, unsigned width, uint64_t value)
{
	volatile uint8_t *at = bar->at + offset;

	switch (width) {
	case 1:
		asm volatile("strb %w0, [%1]" : : "r"(value), "r"(at) : "memory");
		break;
	case 2:
		asm volatile("strh %w0, [%1]" : : "r"(value), "r"(at) : "memory");
		break;
	case 4:
		asm volatile("str %w0, [%1]" : : "r"(value), "r"(at) : "memory");
		break;
	case 8:
		asm volatile("str %0, [%1]" : : "r"(value), "r"(at) : "memory");
		break;
	}
}

static void on_bus_error(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)context;
	siglongjmp(bus_error, info->si_code);
}

void catch_bus_errors(void)
{
	/* SA_NODEFER: the handler is left by a jump, with the signal unblocked. */
	struct sigaction action = { .sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO | SA_NODEFER };

	sigaction(SIGBUS, &action, NULL);
}
