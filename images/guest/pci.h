/* SPDX-License-Identifier: GPL-2.0-only */
/* What the files of guestrig-pci share. */
#ifndef GUESTRIG_PCI_H
#define GUESTRIG_PCI_H

#include <setjmp.h>
#include <stdint.h>
#include <stdio.h>

/* Exit statuses */
enum {
	DONE = 0,
	TEST_FAILED = 1,  /* endpoint-test: the driver said no */
	WRONG_USAGE = 2,
	NOT_POSSIBLE = 3, /* no such function, refused by the kernel, aborted on the bus */
};

#define BARS 6

/* pci.c */

__attribute__((noreturn, format(printf, 1, 2))) void wrong_usage(const char *format, ...);
__attribute__((noreturn, format(printf, 1, 2))) void not_possible(const char *format, ...);

/* A whole number, decimal, 0x… or 0…; where the text is none, or over most, the program ends with `what` in its message. */
uint64_t parse_number(const char *text, const char *what, uint64_t most);

/* pci-function.c: a function as /sys/bus/pci/devices has it */

struct function {
	char bdf[24];  /* with its domain */
	int config;    /* descriptor of its config file */
	unsigned size; /* bytes of configuration space that the kernel lets through: 256 or 4096 */
};

struct bar {
	int number;
	uint64_t size; /* bytes */
	volatile uint8_t *at;
};

void open_function(struct function *function, const char *bdf);

/* What is read where nobody answers: all ones. */
int answers(const struct function *function);

/* Reads and writes of exactly width bytes (at most 8), little endian; the kernel's answer: bytes moved, or -1. */
long config_read(const struct function *function, unsigned offset, unsigned width, uint64_t *value);
long config_write(const struct function *function, unsigned offset, unsigned width, uint64_t value);

/* Bytes of a BAR of memory; 0 where there is none (an I/O BAR, the upper half of a 64-bit one, nothing). */
uint64_t bar_size(const struct function *function, int number);

/* Maps a BAR; turns the function's memory decoding on where it is off. */
void map_bar(const struct function *function, int number, struct bar *bar);

/* A single load or store of 1, 2, 4 or 8 bytes. */
uint64_t bar_read(const struct bar *bar, uint64_t offset, unsigned width);
void bar_write(const struct bar *bar, uint64_t offset, unsigned width, uint64_t value);

/*
 * A load or store that the bus does not answer, or that is not aligned in device memory, is a SIGBUS. After
 * catch_bus_errors() it ends up where sigsetjmp(bus_error, 0) was called, with its si_code: BUS_OBJERR is an external
 * abort, BUS_ADRALN an alignment fault of the processor, which no bus saw (arch/arm64/mm/fault.c, fault_info).
 */
extern sigjmp_buf bus_error;
void catch_bus_errors(void);

/* pci-fuzz.c */
int fuzz(const struct function *function, uint64_t seed, uint64_t count);

/* pci-endpoint-test.c */
int endpoint_test(int argc, char **argv);

#endif
