// SPDX-License-Identifier: Apache-2.0
/*
 * The yardstick for a function that the harness serves: a vfio-user server that does next to nothing, as fast as C gets. It
 * serves one PCI function to QEMU's vfio-user-pci; what a guest's access to it costs is what the wire costs.
 *
 *	gcc -O2 -Wall -Wextra -o reference-server reference-server.c
 *	reference-server PATH   listens on a unix socket, says so in a line, serves the first who connects, and ends with the
 *	                        connection
 *	reference-server FD     serves a connected unix socket that it inherited
 *
 * The wire: "vfio-user Protocol Specification", docs/interop/vfio-user.rst of QEMU. Its messages for regions and interrupts
 * are the structures of linux/vfio.h. QEMU keeps BARs, capability pointers and MSI to itself; the rest of configuration
 * space is asked for and told, access by access. As the host's byte order it has little endian, as the wire does.
 */
#define _GNU_SOURCE
#include <endian.h>
#include <errno.h>
#include <linux/pci_regs.h>
#include <linux/vfio.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* The function's identity: one that drivers/misc/pci_endpoint_test.c of Linux binds to */
#define VENDOR 0x104c
#define DEVICE 0xb500
#define CLASS 0xff0000

#define BAR0_SIZE 4096
#define EXPRESS_AT 0x40
#define MSI_AT 0x80

/* Most bytes of one message, and of one read: QEMU reads the whole configuration space at its start. */
#define LONGEST 65536
#define LONGEST_READ 4096
/* Descriptors that come with one message, at most (max_msg_fds, which QEMU takes to be 1 unless told otherwise) */
#define MOST_FDS 8

enum command {
	VERSION = 1,
	GET_INFO = 4,
	GET_REGION_INFO = 5,
	GET_IRQ_INFO = 7,
	REGION_READ = 9,
	REGION_WRITE = 10,
};

#define REPLY 0x01
#define NO_REPLY 0x10
#define ERROR 0x20

struct header {
	uint16_t id, command;
	uint32_t size; /* bytes, with the header */
	uint32_t flags;
	uint32_t error; /* errno */
};

struct version {
	uint16_t major, minor;
	char capabilities[];
};

struct access {
	uint64_t offset;
	uint32_t region, count; /* bytes */
	uint8_t data[];
};

struct message {
	struct header header;
	union {
		struct version version;
		struct vfio_device_info device;
		struct vfio_region_info region;
		struct vfio_irq_info irq;
		struct access access;
		uint8_t bytes[LONGEST];
	};
};

/* Bytes of GET_INFO without cap_offset, which is younger than the protocol */
#define DEVICE_INFO 16

static const char CAPABILITIES[] = "{\"capabilities\":{\"write_multiple\":false}}";

static uint8_t config[4096], bar0[BAR0_SIZE];

/* What there is of each region; the others have a size of 0. */
static struct region {
	uint8_t *bytes;
	uint32_t size;
} regions[VFIO_PCI_NUM_REGIONS] = {
	[VFIO_PCI_BAR0_REGION_INDEX] = { bar0, sizeof(bar0) },
	[VFIO_PCI_CONFIG_REGION_INDEX] = { config, sizeof(config) },
};

/* QEMU warns where there is none for errors. */
static const uint32_t VECTORS[VFIO_PCI_NUM_IRQS] = { [VFIO_PCI_MSI_IRQ_INDEX] = 1, [VFIO_PCI_ERR_IRQ_INDEX] = 1 };

static void die(const char *what)
{
	fprintf(stderr, "reference-server: %s: %s\n", what, strerror(errno));
	exit(1);
}

static void malformed(const char *what)
{
	errno = EPROTO;
	die(what);
}

static void put16(unsigned at, uint16_t value)
{
	value = htole16(value);
	memcpy(config + at, &value, sizeof(value));
}

static void make_function(void)
{
	put16(PCI_VENDOR_ID, VENDOR);
	put16(PCI_DEVICE_ID, DEVICE);
	put16(PCI_STATUS, PCI_STATUS_CAP_LIST);
	config[PCI_CLASS_PROG] = CLASS & 0xff;
	put16(PCI_CLASS_DEVICE, CLASS >> 8);
	config[PCI_CAPABILITY_LIST] = EXPRESS_AT;
	/* PCI Express, version 2, endpoint: it is what makes configuration space 4 KB. */
	config[EXPRESS_AT] = PCI_CAP_ID_EXP;
	config[EXPRESS_AT + 1] = MSI_AT;
	put16(EXPRESS_AT + PCI_EXP_FLAGS, 2 | PCI_EXP_TYPE_ENDPOINT << 4);
	/* MSI with one vector and an address of 64 bits */
	config[MSI_AT] = PCI_CAP_ID_MSI;
	put16(MSI_AT + PCI_MSI_FLAGS, PCI_MSI_FLAGS_64BIT);
	/* Every aligned word of BAR 0 holds its own offset. */
	for (uint32_t at = 0; at < sizeof(bar0); at += 4) {
		uint32_t word = htole32(at);

		memcpy(bar0 + at, &word, sizeof(word));
	}
}

/* Of all that is written, only the command register stays: the driver reads back what it enabled. */
static void take_write(const struct access *access)
{
	for (uint32_t i = 0; access->region == VFIO_PCI_CONFIG_REGION_INDEX && i < access->count; i++)
		if (access->offset + i == PCI_COMMAND || access->offset + i == PCI_COMMAND + 1)
			config[access->offset + i] = access->data[i];
}

static int is_inside(const struct access *access)
{
	uint64_t size = access->region < VFIO_PCI_NUM_REGIONS ? regions[access->region].size : 0;

	return access->offset <= size && access->count <= size - access->offset;
}

/* Fills in the reply's payload; its length in bytes, or -errno. A command that is not here wants no more than "done". */
static int answer(const struct message *request, struct message *reply, uint32_t length)
{
	switch (request->header.command) {
	case VERSION:
		reply->version.major = reply->version.minor = 0;
		memcpy(reply->version.capabilities, CAPABILITIES, sizeof(CAPABILITIES));
		return sizeof(reply->version) + sizeof(CAPABILITIES);
	case GET_INFO:
		reply->device = (struct vfio_device_info){
			.argsz = DEVICE_INFO,
			.flags = VFIO_DEVICE_FLAGS_PCI | VFIO_DEVICE_FLAGS_RESET,
			.num_regions = VFIO_PCI_NUM_REGIONS,
			.num_irqs = VFIO_PCI_NUM_IRQS,
		};
		return DEVICE_INFO;
	case GET_REGION_INFO:
		if (length < sizeof(request->region) || request->region.index >= VFIO_PCI_NUM_REGIONS)
			return -EINVAL;
		reply->region = (struct vfio_region_info){
			.argsz = sizeof(reply->region),
			.index = request->region.index,
			.size = regions[request->region.index].size,
		};
		if (reply->region.size)
			reply->region.flags = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE;
		return sizeof(reply->region);
	case GET_IRQ_INFO:
		if (length < sizeof(request->irq) || request->irq.index >= VFIO_PCI_NUM_IRQS)
			return -EINVAL;
		reply->irq = (struct vfio_irq_info){
			.argsz = sizeof(reply->irq),
			.flags = VFIO_IRQ_INFO_EVENTFD,
			.index = request->irq.index,
			.count = VECTORS[request->irq.index],
		};
		return sizeof(reply->irq);
	case REGION_READ:
		if (length < sizeof(request->access) || request->access.count > LONGEST_READ ||
		    !is_inside(&request->access))
			return -EINVAL;
		reply->access = request->access;
		memcpy(reply->access.data, regions[request->access.region].bytes + request->access.offset,
		       request->access.count);
		return sizeof(reply->access) + request->access.count;
	case REGION_WRITE:
		if (length < sizeof(request->access) || request->access.count > length - sizeof(request->access) ||
		    !is_inside(&request->access))
			return -EINVAL;
		take_write(&request->access);
		reply->access = request->access;
		return sizeof(reply->access);
	default:
		return 0;
	}
}

static void serve(int connection, const struct message *request)
{
	static struct message reply;
	int length = answer(request, &reply, request->header.size - sizeof(request->header));

	if (request->header.flags & NO_REPLY)
		return;
	reply.header = (struct header){
		.id = request->header.id,
		.command = request->header.command,
		.size = sizeof(reply.header) + (length > 0 ? length : 0),
		.flags = length < 0 ? REPLY | ERROR : REPLY,
		.error = length < 0 ? -length : 0,
	};
	/* At once and whole: the messages are far smaller than a socket's buffer. */
	if (send(connection, &reply, reply.header.size, MSG_NOSIGNAL) != reply.header.size)
		die("send");
}

/* Guest memory and eventfds: nothing is done with them. */
static void close_descriptors(struct msghdr *message)
{
	for (struct cmsghdr *part = CMSG_FIRSTHDR(message); part; part = CMSG_NXTHDR(message, part)) {
		size_t count = (part->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		int *descriptors = (int *)CMSG_DATA(part);

		for (size_t i = 0; part->cmsg_type == SCM_RIGHTS && i < count; i++)
			close(descriptors[i]);
	}
}

/* Serves message by message until the other end hangs up. Posted writes may arrive together with what follows them. */
static void serve_all(int connection)
{
	static _Alignas(8) uint8_t stream[sizeof(struct message)];
	static struct message request;
	size_t filled = 0;

	for (;;) {
		uint8_t control[CMSG_SPACE(MOST_FDS * sizeof(int))];
		struct iovec room = { stream + filled, sizeof(stream) - filled };
		struct msghdr message = {
			.msg_iov = &room,
			.msg_iovlen = 1,
			.msg_control = control,
			.msg_controllen = sizeof(control),
		};
		ssize_t got = recvmsg(connection, &message, 0);
		size_t at = 0;

		if (got == 0)
			return;
		if (got < 0)
			die("recvmsg");
		if (message.msg_controllen)
			close_descriptors(&message);
		filled += got;
		while (filled - at >= sizeof(struct header)) {
			memcpy(&request.header, stream + at, sizeof(request.header));
			if (request.header.size < sizeof(request.header) || request.header.size > sizeof(stream))
				malformed("size of a message");
			if (filled - at < request.header.size)
				break;
			memcpy(request.bytes, stream + at + sizeof(request.header),
			       request.header.size - sizeof(request.header));
			serve(connection, &request);
			at += request.header.size;
		}
		filled -= at;
		if (filled && at)
			memmove(stream, stream + at, filled);
	}
}

static int accept_one(const char *path)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0), connection;

	if (strlen(path) >= sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		die(path);
	}
	strcpy(address.sun_path, path);
	if (listener < 0 || bind(listener, (struct sockaddr *)&address, sizeof(address)) || listen(listener, 1))
		die(path);
	puts("listening");
	fflush(stdout);
	connection = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (connection < 0)
		die(path);
	close(listener);
	unlink(path);
	return connection;
}

int main(int argc, char **argv)
{
	if (argc != 2 || !*argv[1]) {
		fprintf(stderr, "usage: reference-server PATH|FD\n");
		return 2;
	}
	make_function();
	serve_all(argv[1][strspn(argv[1], "0123456789")] ? accept_one(argv[1]) : atoi(argv[1]));
	return 0;
}
