// SPDX-License-Identifier: GPL-2.0-only
/*
 * guestrig-pci: what a scenario does to a PCI function from the guest's user space, apart from any driver.
 *
 * A run prints one JSON object, whole, on standard output; values of registers are text ("0x…", as wide as the access),
 * because 64 bits are more than a JSON number holds. What could not be done is told on standard error, and nothing on
 * standard output; the exit statuses are in pci.h.
 *
 * Configuration space is reached through the kernel (pread and pwrite on sysfs), in exactly the width that was asked for;
 * an access that is not aligned is cut into aligned ones by the kernel (pci_read_config in drivers/pci/pci-sysfs.c). BARs are
 * mapped: each access is one load or store, which reaches the bus as it is.
 */
#define _GNU_SOURCE
#include "pci.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define LARGEST_COUNT 10000000

static const char USAGE[] =
	"usage: guestrig-pci config read BDF OFFSET WIDTH\n"
	"       guestrig-pci config write BDF OFFSET WIDTH VALUE\n"
	"       guestrig-pci config time BDF OFFSET WIDTH COUNT\n"
	"       guestrig-pci bar read BDF BAR OFFSET WIDTH\n"
	"       guestrig-pci bar write BDF BAR OFFSET WIDTH VALUE\n"
	"       guestrig-pci bar time BDF BAR OFFSET WIDTH COUNT\n"
	"       guestrig-pci fuzz BDF SEED COUNT\n"
	"       guestrig-pci endpoint-test DEVICE TEST [ARGUMENT [dma]]\n"
	"BDF: [domain:]bus:device.function; WIDTH in bytes: 1, 2 or 4, in a BAR 8 as well\n"
	"DEVICE: a number or a path; TEST: bar N, intx, msi N, msix N, read BYTES, write BYTES, copy BYTES,\n"
	"        set-irqtype intx|msi|msix, get-irqtype, clear-irq\n";

void wrong_usage(const char *format, ...)
{
	va_list values;

	fputs("guestrig-pci: ", stderr);
	va_start(values, format);
	vfprintf(stderr, format, values);
	va_end(values);
	fprintf(stderr, "\n%s", USAGE);
	exit(WRONG_USAGE);
}

void not_possible(const char *format, ...)
{
	va_list values;

	fputs("guestrig-pci: ", stderr);
	va_start(values, format);
	vfprintf(stderr, format, values);
	va_end(values);
	fputc('\n', stderr);
	exit(NOT_POSSIBLE);
}

uint64_t parse_number(const char *text, const char *what, uint64_t most)
{
	char *end;
	uint64_t value;

	errno = 0;
	value = strtoull(text, &end, 0);
	if (*text < '0' || *text > '9' || *end || errno)
		wrong_usage("%s is to be a whole number (64, 0x40), not '%s'", what, text);
	if (value > most)
		wrong_usage("%s is at most 0x%llx, not '%s'", what, (unsigned long long)most, text);
	return value;
}

enum verb { READ, WRITE, TIME, VERBS };

/* What the last word is, and whether it is there at all */
static const struct {
	const char *name, *last;
} VERB[VERBS] = { { "read", NULL }, { "write", "VALUE" }, { "time", "COUNT" } };

/* What one run accesses, and how: configuration space, or a BAR. */
struct target {
	struct function function;
	struct bar bar; /* at: NULL for configuration space */
	uint64_t offset;
	unsigned width;
	enum verb verb;
	uint64_t last; /* the value, or the count */
};

static uint64_t read_once(const struct target *target)
{
	uint64_t value;
	long moved;

	if (target->bar.at)
		return bar_read(&target->bar, target->offset, target->width);
	moved = config_read(&target->function, target->offset, target->width, &value);
	if (moved != target->width)
		not_possible("config of %s: read of %u bytes at 0x%llx: %s", target->function.bdf, target->width,
			     (unsigned long long)target->offset, moved < 0 ? strerror(errno) : "cut short");
	return value;
}

static void write_once(const struct target *target, uint64_t value)
{
	long moved;

	if (target->bar.at) {
		bar_write(&target->bar, target->offset, target->width, value);
		return;
	}
	moved = config_write(&target->function, target->offset, target->width, value);
	if (moved != target->width)
		not_possible("config of %s: write of %u bytes at 0x%llx: %s", target->function.bdf, target->width,
			     (unsigned long long)target->offset, moved < 0 ? strerror(errno) : "cut short");
}

/* The part of every answer that says what was accessed, its brace left open. */
static void print_target(const struct target *target)
{
	printf("{\"bdf\":\"%s\",", target->function.bdf);
	if (target->bar.at)
		printf("\"bar\":%d,", target->bar.number);
	printf("\"offset\":%llu,\"width\":%u,", (unsigned long long)target->offset, target->width);
}

static void print_value(const struct target *target, uint64_t value)
{
	print_target(target);
	printf("\"value\":\"0x%0*llx\"}\n", (int)(2 * target->width), (unsigned long long)value);
}

static int ascending(const void *a, const void *b)
{
	uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;

	return (left > right) - (left < right);
}

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC_RAW, &time);
	return time.tv_sec * 1000000000ULL + time.tv_nsec;
}

/* Each sample is from one look at the clock to the next, so that they add up to the total: a look is in each. */
static void time_reads(const struct target *target, uint64_t count)
{
	uint64_t *samples = malloc(count * sizeof(*samples));
	uint64_t begin, last, total;

	if (!samples)
		not_possible("no memory for %llu samples", (unsigned long long)count);
	/* Touched first, so that no page fault is in a sample; and one read that nobody counts. */
	memset(samples, 0xff, count * sizeof(*samples));
	read_once(target);
	begin = last = now();
	for (uint64_t i = 0; i < count; i++) {
		uint64_t at;

		read_once(target);
		at = now();
		samples[i] = at - last;
		last = at;
	}
	total = last - begin;
	qsort(samples, count, sizeof(*samples), ascending);
	print_target(target);
	/* Nearest rank: the least sample that at least half (99 %) of them do not exceed. */
	printf("\"count\":%llu,\"totalNs\":%llu,\"minNs\":%llu,\"medianNs\":%llu,\"p99Ns\":%llu}\n",
	       (unsigned long long)count, (unsigned long long)total, (unsigned long long)samples[0],
	       (unsigned long long)samples[(count - 1) / 2], (unsigned long long)samples[(count * 99 + 99) / 100 - 1]);
}

/* The words behind config or bar; `before` is how many come before OFFSET. */
static void parse_access(struct target *target, int argc, char **argv, int before, unsigned widest)
{
	const char *space = before == 1 ? "config" : "bar";
	int wanted;

	for (target->verb = 0; target->verb < VERBS; target->verb++)
		if (argc > 0 && !strcmp(argv[0], VERB[target->verb].name))
			break;
	if (target->verb == VERBS)
		wrong_usage("%s takes read, write or time%s%s", space, argc > 0 ? ", not " : "", argc > 0 ? argv[0] : "");
	argc--;
	argv++;
	wanted = before + (target->verb == READ ? 2 : 3);
	if (argc != wanted)
		wrong_usage("%s %s takes %d arguments, not %d", space, VERB[target->verb].name, wanted, argc);
	target->offset = parse_number(argv[before], "OFFSET", ~0ULL);
	target->width = parse_number(argv[before + 1], "WIDTH", widest);
	if (!target->width || target->width & (target->width - 1))
		wrong_usage("WIDTH is 1, 2%s 4%s, not %u", widest == 8 ? "," : " or", widest == 8 ? " or 8" : "",
			    target->width);
	if (target->verb == READ)
		return;
	target->last = parse_number(argv[before + 2], VERB[target->verb].last,
				    target->verb == WRITE ? ~0ULL >> (64 - 8 * target->width) : LARGEST_COUNT);
	if (target->verb == TIME && !target->last)
		wrong_usage("COUNT is at least 1");
}

/* size: bytes of what is accessed */
static int perform(const struct target *target, uint64_t size, const char *space)
{
	int code;

	if (target->offset > size || size - target->offset < target->width)
		not_possible("%u bytes at 0x%llx are beyond the 0x%llx bytes of the %s of %s", target->width,
			     (unsigned long long)target->offset, (unsigned long long)size, space,
			     target->function.bdf);
	catch_bus_errors();
	code = sigsetjmp(bus_error, 0);
	if (code)
		not_possible("%s of %s: %s of %u bytes at 0x%llx: %s", space, target->function.bdf,
			     VERB[target->verb].name, target->width, (unsigned long long)target->offset,
			     code == BUS_ADRALN ? "alignment fault: device memory takes aligned accesses only"
						: "external abort: the bus did not answer, or not to this width");
	switch (target->verb) {
	case READ:
		print_value(target, read_once(target));
		break;
	case WRITE:
		write_once(target, target->last);
		print_value(target, target->last);
		break;
	default:
		time_reads(target, target->last);
	}
	return DONE;
}

static int config_command(int argc, char **argv)
{
	struct target target = { 0 };

	parse_access(&target, argc, argv, 1, 4);
	open_function(&target.function, argv[1]);
	return perform(&target, target.function.size, "configuration space");
}

static int bar_command(int argc, char **argv)
{
	struct target target = { 0 };
	char space[8];
	int number;

	parse_access(&target, argc, argv, 2, 8);
	number = parse_number(argv[2], "BAR", BARS - 1);
	open_function(&target.function, argv[1]);
	map_bar(&target.function, number, &target.bar);
	snprintf(space, sizeof(space), "BAR %d", number);
	return perform(&target, target.bar.size, space);
}

static int fuzz_command(int argc, char **argv)
{
	struct function function;
	uint64_t seed, count;

	if (argc != 3)
		wrong_usage("fuzz takes 3 arguments, not %d", argc);
	seed = parse_number(argv[1], "SEED", ~0ULL);
	count = parse_number(argv[2], "COUNT", ~0ULL);
	open_function(&function, argv[0]);
	return fuzz(&function, seed, count);
}

static const struct {
	const char *name;
	int (*run)(int argc, char **argv); /* with the words behind the name */
} COMMANDS[] = {
	{ "config", config_command },
	{ "bar", bar_command },
	{ "fuzz", fuzz_command },
	{ "endpoint-test", endpoint_test },
};

int main(int argc, char **argv)
{
	if (argc < 2)
		wrong_usage("what is to be done?");
	for (size_t i = 0; i < sizeof(COMMANDS) / sizeof(COMMANDS[0]); i++)
		if (!strcmp(argv[1], COMMANDS[i].name))
			return COMMANDS[i].run(argc - 2, argv + 2);
	wrong_usage("there is no command '%s'", argv[1]);
}
