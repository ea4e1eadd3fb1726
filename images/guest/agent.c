// SPDX-License-Identifier: GPL-2.0-only
/*
 * guestrig-agent: runs commands in a domain for the harness, apart from the domain's console.
 *
 * The wire is a virtio-serial port (virtio 1.2, section 5.3) on a virtio-mmio transport, driven from user space through
 * UIO, so that the channel shares nothing with the drivers under test: not the kernel's virtio core, not its DMA API,
 * not Xen's grants. The device-tree node "guestrig,agent" gives two regions: the transport's registers, and a piece of
 * memory whose address the domain and the machine agree on (reserved memory; under Xen mapped 1:1), because the device
 * model reads and writes machine addresses. Both are mapped as device memory: aligned accesses only.
 *
 * On the wire, in both directions: frames of a 12-byte little-endian header { u32 length of the payload, u32 id of the
 * command, u32 type } and the payload. The types are in enum frame; harness/platform/agent.ts is the other end.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/random.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

/* virtio-mmio registers, virtio 1.2 section 4.2.2 */
#define MAGIC 0x000
#define VERSION 0x004
#define DEVICE_ID 0x008
#define DRIVER_FEATURES 0x020
#define DRIVER_FEATURES_SEL 0x024
#define QUEUE_SEL 0x030
#define QUEUE_NUM_MAX 0x034
#define QUEUE_NUM 0x038
#define QUEUE_READY 0x044
#define QUEUE_NOTIFY 0x050
#define INTERRUPT_STATUS 0x060
#define INTERRUPT_ACK 0x064
#define STATUS 0x070
#define QUEUE_DESC 0x080
#define QUEUE_DRIVER 0x090
#define QUEUE_DEVICE 0x0a0

#define MAGIC_VIRT 0x74726976
#define ID_CONSOLE 3
#define S_ACKNOWLEDGE 1
#define S_DRIVER 2
#define S_DRIVER_OK 4
#define S_FEATURES_OK 8
#define F_VERSION_1_WORD1 1 /* feature bit 32 */
#define DESC_F_WRITE 2
#define AVAIL_F_NO_INTERRUPT 1

/* Layout of the shared region, and its queues */
#define QUEUE_LEN 8
#define RX_BUFFER 2048
#define TX_BUFFER 4096
#define RX_BUFFERS_AT 0x2000
#define TX_BUFFERS_AT (RX_BUFFERS_AT + QUEUE_LEN * RX_BUFFER)
#define SHARED_SIZE (TX_BUFFERS_AT + QUEUE_LEN * TX_BUFFER)
#define DESC_AT 0x000
#define AVAIL_AT 0x400
#define USED_AT 0x800

enum { RX, TX };

enum frame {
	/* from the harness */
	RUN = 1,   /* argv, each string ended by NUL: start a command under this id */
	STDIN = 2, /* bytes for its standard input; none: end of file */
	KILL = 3,  /* u32: signal for its process group */
	PING = 4,  /* u32, if there: sleep that many ns on each processor before the answer */
	AWAKE = 5, /* u32: answer, and look for the next frame for so many ms without sleeping */
	TICK = 6,  /* answer when each processor has had an interrupt of its timer */
	/* from the agent */
	HELLO = 64,  /* text: role, space, kernel release */
	STDOUT = 65, /* bytes */
	STDERR = 66, /* bytes */
	EXIT = 67,   /* u32 how (enum how), u32 value */
	PONG = 68,
};

enum how { EXITED = 0, SIGNALLED = 1, NOT_STARTED = 2 /* value: errno */ };

struct header {
	uint32_t length, id, type;
};

#define MAX_FRAME (1 << 20)
#define MAX_COMMANDS 32

struct command {
	uint32_t id;
	pid_t pid; /* 0: the slot is free */
	int in, out, err, ended, status;
	uint8_t *pending; /* standard input not yet taken by the command */
	size_t pending_length;
	int eof;
};

static struct command commands[MAX_COMMANDS];

/* The processors that commands may use; the agent itself stays on the first one. */
static cpu_set_t everywhere;

static volatile uint8_t *regs, *shared;
static uint64_t shared_address;
static int uio;
static int listening; /* the interrupt is enabled, and has not been taken yet */
static int64_t nothing_came; /* when stay_awake() last saw that (CLOCK_MONOTONIC, ns); 0: something has come since, and was seen to */
static uint16_t avail_index[2], used_index[2];
static int tx_free = QUEUE_LEN;

static void die(const char *what)
{
	fprintf(stderr, "guestrig-agent: %s: %s\n", what, strerror(errno));
	exit(1);
}

static uint32_t reg_read(int at)
{
	return *(volatile uint32_t *)(regs + at);
}

static void reg_write(int at, uint32_t value)
{
	*(volatile uint32_t *)(regs + at) = value;
}

static void reg_write64(int at, uint64_t value)
{
	reg_write(at, (uint32_t)value);
	reg_write(at + 4, (uint32_t)(value >> 32));
}

/* Copies between ordinary and device memory; offset is 8-byte aligned. */
static void copy_out(size_t offset, const uint8_t *from, size_t length)
{
	size_t i = 0;

	for (; i + 8 <= length; i += 8) {
		uint64_t word;

		memcpy(&word, from + i, 8);
		*(volatile uint64_t *)(shared + offset + i) = word;
	}
	for (; i < length; i++)
		shared[offset + i] = from[i];
}

static void copy_in(uint8_t *to, size_t offset, size_t length)
{
	size_t i = 0;

	for (; i + 8 <= length; i += 8) {
		uint64_t word = *(volatile uint64_t *)(shared + offset + i);

		memcpy(to + i, &word, 8);
	}
	for (; i < length; i++)
		to[i] = shared[offset + i];
}

static size_t queue_at(int queue)
{
	return queue == RX ? 0x0000 : 0x1000;
}

static size_t buffer_at(int queue, int i)
{
	return queue == RX ? RX_BUFFERS_AT + i * RX_BUFFER : TX_BUFFERS_AT + i * TX_BUFFER;
}

static void describe(int queue, int i, uint32_t length, uint16_t flags)
{
	volatile uint8_t *desc = shared + queue_at(queue) + DESC_AT + 16 * i;

	*(volatile uint64_t *)desc = shared_address + buffer_at(queue, i);
	*(volatile uint32_t *)(desc + 8) = length;
	*(volatile uint16_t *)(desc + 12) = flags;
	*(volatile uint16_t *)(desc + 14) = 0;
}

static void offer(int queue, int i)
{
	volatile uint8_t *avail = shared + queue_at(queue) + AVAIL_AT;

	*(volatile uint16_t *)(avail + 4 + 2 * (avail_index[queue] % QUEUE_LEN)) = i;
	__sync_synchronize();
	*(volatile uint16_t *)(avail + 2) = ++avail_index[queue];
	__sync_synchronize();
}

/* Whether the device shall interrupt when it is done with a buffer of the queue. */
static void want_interrupts(int queue, int wanted)
{
	volatile uint8_t *avail = shared + queue_at(queue) + AVAIL_AT;

	*(volatile uint16_t *)avail = wanted ? 0 : AVAIL_F_NO_INTERRUPT;
	__sync_synchronize();
}

/* Whether the device is done with a buffer that has not been taken yet. */
static int done(int queue)
{
	return *(volatile uint16_t *)(shared + queue_at(queue) + USED_AT + 2) != used_index[queue];
}

/* The next buffer that the device is done with, or -1; its length in *length. */
static int take(int queue, uint32_t *length)
{
	volatile uint8_t *entry = shared + queue_at(queue) + USED_AT + 4 + 8 * (used_index[queue] % QUEUE_LEN);

	if (!done(queue))
		return -1;
	__sync_synchronize();
	used_index[queue]++;
	*length = *(volatile uint32_t *)(entry + 4);
	return *(volatile uint32_t *)entry;
}

static void set_up_queue(int queue)
{
	uint64_t base = shared_address + queue_at(queue);

	reg_write(QUEUE_SEL, queue);
	if (reg_read(QUEUE_NUM_MAX) < QUEUE_LEN) {
		errno = ENODEV;
		die("queue too short");
	}
	reg_write(QUEUE_NUM, QUEUE_LEN);
	reg_write64(QUEUE_DESC, base + DESC_AT);
	reg_write64(QUEUE_DRIVER, base + AVAIL_AT);
	reg_write64(QUEUE_DEVICE, base + USED_AT);
	reg_write(QUEUE_READY, 1);
}

static uint64_t uio_number(int map, const char *what)
{
	char path[96];
	FILE *file;
	unsigned long long value;

	snprintf(path, sizeof(path), "/sys/class/uio/uio0/maps/map%d/%s", map, what);
	file = fopen(path, "re");
	if (!file || fscanf(file, "%llx", &value) != 1)
		die(path);
	fclose(file);
	return value;
}

static volatile uint8_t *uio_map(int map)
{
	long page = sysconf(_SC_PAGESIZE);
	uint64_t size = uio_number(map, "size");
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, uio, map * page);

	if (at == MAP_FAILED)
		die("mmap of /dev/uio0");
	return (volatile uint8_t *)at + uio_number(map, "offset");
}

static void open_port(void)
{
	uio = open("/dev/uio0", O_RDWR | O_CLOEXEC);
	if (uio < 0)
		die("/dev/uio0 (does the kernel have CONFIG_UIO_PDRV_GENIRQ=y?)");
	regs = uio_map(0);
	shared = uio_map(1);
	shared_address = uio_number(1, "addr") + uio_number(1, "offset");
	if (uio_number(1, "size") < SHARED_SIZE || reg_read(MAGIC) != MAGIC_VIRT || reg_read(VERSION) != 2 ||
	    reg_read(DEVICE_ID) != ID_CONSOLE) {
		errno = ENODEV;
		die("no virtio-serial device behind the guestrig,agent node");
	}

	for (size_t i = 0; i < SHARED_SIZE; i += 8)
		*(volatile uint64_t *)(shared + i) = 0;

	reg_write(STATUS, 0);
	reg_write(STATUS, S_ACKNOWLEDGE | S_DRIVER);
	reg_write(DRIVER_FEATURES_SEL, 0);
	reg_write(DRIVER_FEATURES, 0);
	reg_write(DRIVER_FEATURES_SEL, 1);
	reg_write(DRIVER_FEATURES, F_VERSION_1_WORD1);
	reg_write(STATUS, S_ACKNOWLEDGE | S_DRIVER | S_FEATURES_OK);
	set_up_queue(RX);
	set_up_queue(TX);
	for (int i = 0; i < QUEUE_LEN; i++) {
		describe(RX, i, RX_BUFFER, DESC_F_WRITE);
		offer(RX, i);
	}
	/*
	 * That a frame has gone out is of no interest as long as there is room for the next one. QEMU lets the device look at its queues
	 * whenever the machine is started, which would interrupt every restored domain before it has been asked anything.
	 */
	want_interrupts(TX, 0);
	reg_write(STATUS, S_ACKNOWLEDGE | S_DRIVER | S_FEATURES_OK | S_DRIVER_OK);
	reg_write(QUEUE_NOTIFY, RX);
}

static void listen_for_interrupt(void)
{
	uint32_t on = 1;

	if (listening)
		return;
	if (write(uio, &on, sizeof(on)) != sizeof(on))
		die("/dev/uio0");
	listening = 1;
}

/* Waits for the interrupt, and acknowledges it. */
static void take_interrupt(void)
{
	uint32_t count, pending;

	if (read(uio, &count, sizeof(count)) != sizeof(count))
		die("/dev/uio0");
	listening = 0;
	pending = reg_read(INTERRUPT_STATUS);
	if (pending)
		reg_write(INTERRUPT_ACK, pending);
}

static void reclaim_sent(void)
{
	uint32_t length;

	while (take(TX, &length) >= 0)
		tx_free++;
}

/* Waits until the device has taken a buffer; the harness reads all the time, so this ends. */
static void wait_for_room(void)
{
	struct pollfd wait = { .fd = uio, .events = POLLIN };

	reclaim_sent();
	if (tx_free > 0)
		return;
	want_interrupts(TX, 1);
	for (reclaim_sent(); tx_free == 0; reclaim_sent()) {
		listen_for_interrupt();
		if (poll(&wait, 1, 1000) > 0)
			take_interrupt();
	}
	want_interrupts(TX, 0);
}

static void send_bytes(const uint8_t *bytes, size_t length)
{
	static int next;

	while (length > 0) {
		size_t part = length < TX_BUFFER ? length : TX_BUFFER;

		wait_for_room();
		copy_out(buffer_at(TX, next), bytes, part);
		describe(TX, next, part, 0);
		offer(TX, next);
		tx_free--;
		reg_write(QUEUE_NOTIFY, TX);
		next = (next + 1) % QUEUE_LEN;
		bytes += part;
		length -= part;
	}
}

static void send_frame(uint32_t id, uint32_t type, const void *payload, uint32_t length)
{
	static uint8_t frame[sizeof(struct header) + 65536];
	struct header header = { length, id, type };

	memcpy(frame, &header, sizeof(header));
	if (length)
		memcpy(frame + sizeof(header), payload, length);
	send_bytes(frame, sizeof(header) + length);
}

static void send_exit(uint32_t id, uint32_t how, uint32_t value)
{
	uint32_t payload[2] = { how, value };

	send_frame(id, EXIT, payload, sizeof(payload));
}

static void say_hello(void)
{
	struct utsname name;
	char role[32] = "?", text[160];
	FILE *file = fopen("/etc/guestrig/role", "re");

	if (file) {
		if (fscanf(file, "%31s", role) != 1)
			strcpy(role, "?");
		fclose(file);
	}
	uname(&name);
	send_frame(0, HELLO, text, snprintf(text, sizeof(text), "%s %s", role, name.release));
}

static struct command *find(uint32_t id)
{
	for (int i = 0; i < MAX_COMMANDS; i++)
		if (commands[i].pid && commands[i].id == id)
			return &commands[i];
	return NULL;
}

/* How far the places of `commands` are in use. */
static int places_in_use(void)
{
	int places = 0;

	for (int i = 0; i < MAX_COMMANDS; i++)
		if (commands[i].pid)
			places = i + 1;
	return places;
}

static void start(uint32_t id, char *payload, size_t length)
{
	char *argv[256];
	int argc = 0, in[2], out[2], err[2];
	volatile int error = 0;
	struct command *command = NULL;
	pid_t pid;

	for (size_t at = 0; at < length && argc < 255; at += strlen(payload + at) + 1)
		argv[argc++] = payload + at;
	argv[argc] = NULL;
	for (int i = 0; i < MAX_COMMANDS && !command; i++)
		if (!commands[i].pid)
			command = &commands[i];
	if (!argc || !command) {
		send_exit(id, NOT_STARTED, argc ? EAGAIN : EINVAL);
		return;
	}
	if (pipe2(in, O_CLOEXEC) || pipe2(out, O_CLOEXEC) || pipe2(err, O_CLOEXEC))
		die("pipe");
	/* The child borrows this memory until it has become the command: no page is copied, and it can tell why it did not. */
	pid = vfork();
	if (pid == 0) {
		sigset_t none;

		setsid();
		if (CPU_COUNT(&everywhere) > 1)
			sched_setaffinity(0, sizeof(everywhere), &everywhere);
		sigemptyset(&none);
		sigprocmask(SIG_SETMASK, &none, NULL);
		signal(SIGPIPE, SIG_DFL);
		dup2(in[0], 0);
		dup2(out[1], 1);
		dup2(err[1], 2);
		execvp(argv[0], argv);
		error = errno;
		_exit(127);
	}
	if (pid < 0)
		error = errno;
	close(in[0]);
	close(out[1]);
	close(err[1]);
	if (error) {
		close(in[1]);
		close(out[0]);
		close(err[0]);
		if (pid > 0)
			waitpid(pid, NULL, 0);
		send_exit(id, NOT_STARTED, error);
		return;
	}
	fcntl(in[1], F_SETFL, O_NONBLOCK);
	fcntl(out[0], F_SETFL, O_NONBLOCK);
	fcntl(err[0], F_SETFL, O_NONBLOCK);
	*command = (struct command){ .id = id, .pid = pid, .in = in[1], .out = out[0], .err = err[0] };
}

static void close_input(struct command *command)
{
	if (command->in >= 0)
		close(command->in);
	command->in = -1;
	free(command->pending);
	command->pending = NULL;
	command->pending_length = 0;
}

static void feed(struct command *command)
{
	while (command->in >= 0 && command->pending_length > 0) {
		ssize_t n = write(command->in, command->pending, command->pending_length);

		if (n < 0 && errno == EAGAIN)
			return;
		if (n < 0) {
			close_input(command);
			return;
		}
		memmove(command->pending, command->pending + n, command->pending_length - n);
		command->pending_length -= n;
	}
	if (command->eof)
		close_input(command);
}

static void take_input(struct command *command, const uint8_t *bytes, size_t length)
{
	if (length == 0) {
		command->eof = 1;
	} else if (command->in >= 0) {
		command->pending = realloc(command->pending, command->pending_length + length);
		if (!command->pending)
			die("standard input");
		memcpy(command->pending + command->pending_length, bytes, length);
		command->pending_length += length;
	}
	feed(command);
}

static void drain(struct command *command, int *fd, uint32_t type)
{
	static uint8_t bytes[65536];
	ssize_t n;

	while (*fd >= 0) {
		n = read(*fd, bytes, sizeof(bytes));
		if (n < 0)
			return;
		if (n == 0) {
			close(*fd);
			*fd = -1;
			return;
		}
		send_frame(command->id, type, bytes, n);
	}
}

/*
 * A command is over when its process has ended. What it wrote is in the pipes by then; a child that it left behind
 * may hold them open, and is not waited for.
 */
static void reap(void)
{
	int status;
	pid_t pid;

	while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
		for (int i = 0; i < MAX_COMMANDS; i++) {
			struct command *command = &commands[i];

			if (command->pid != pid)
				continue;
			drain(command, &command->out, STDOUT);
			drain(command, &command->err, STDERR);
			close_input(command);
			if (command->out >= 0)
				close(command->out);
			if (command->err >= 0)
				close(command->err);
			if (WIFSIGNALED(status))
				send_exit(command->id, SIGNALLED, WTERMSIG(status));
			else
				send_exit(command->id, EXITED, WEXITSTATUS(status));
			command->pid = 0;
		}
}

/* In an emulator that runs all processors in one thread, the next one's turn comes (trans_YIELD in QEMU's target/arm/tcg/translate-a64.c). */
static void let_others_run(void)
{
	__asm__ volatile("yield");
}

/* On each processor in turn, and back to the first one */
static void sleep_everywhere(uint32_t ns)
{
	struct timespec nap = { .tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000 };
	cpu_set_t one;

	if (CPU_COUNT(&everywhere) == 1) {
		nanosleep(&nap, NULL);
		return;
	}
	for (int cpu = CPU_SETSIZE - 1; cpu >= 0; cpu--) {
		if (!CPU_ISSET(cpu, &everywhere))
			continue;
		CPU_ZERO(&one);
		CPU_SET(cpu, &one);
		if (!sched_setaffinity(0, sizeof(one), &one))
			nanosleep(&nap, NULL);
	}
}

static int64_t nanoseconds(clockid_t clock)
{
	struct timespec now;

	clock_gettime(clock, &now);
	return now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
}

/*
 * Until something comes, or for so long. A machine that is saved meanwhile answers without an interrupt where it is restored: the way from one
 * to this process is half of what an answer takes there. Asleep in nanosleep(2) it would not even wake: of the timers that are running, QEMU
 * saves those of EL1 (target/arm/machine.c), and Xen's is one of EL2.
 */
static void stay_awake(uint32_t ms)
{
	int64_t now, end = nanoseconds(CLOCK_MONOTONIC) + ms * INT64_C(1000000);

	nothing_came = 0;
	do {
		now = nanoseconds(CLOCK_MONOTONIC);
		if (done(RX))
			break;
		nothing_came = now;
		let_others_run();
	} while (now < end);
}

/*
 * Where there is one processor, this process runs on it; and the coarse clock moves when a timer's interrupt does it
 * (update_wall_time in kernel/time/timekeeping.c). A sleep would be some 300 blocks more that a restored machine has to translate.
 * An interrupt that came a millisecond after the last look that found nothing will do: so little time passes between such a look and the moment
 * in which the machine is saved.
 */
static void wait_for_tick(void)
{
	int64_t since = nothing_came ? nothing_came : nanoseconds(CLOCK_MONOTONIC);

	if (CPU_COUNT(&everywhere) > 1) {
		sleep_everywhere(1000);
		return;
	}
	while (nanoseconds(CLOCK_MONOTONIC_COARSE) < since + 1000000)
		let_others_run();
}

static void obey(const struct header *header, uint8_t *payload)
{
	struct command *command = find(header->id);
	uint32_t signal_number, ns, ms;

	switch (header->type) {
	case RUN:
		start(header->id, (char *)payload, header->length);
		break;
	case STDIN:
		if (command)
			take_input(command, payload, header->length);
		break;
	case KILL:
		if (command && header->length == sizeof(signal_number)) {
			memcpy(&signal_number, payload, sizeof(signal_number));
			kill(-command->pid, signal_number);
		}
		break;
	case PING:
		if (header->length == sizeof(ns)) {
			memcpy(&ns, payload, sizeof(ns));
			sleep_everywhere(ns);
		}
		send_frame(header->id, PONG, NULL, 0);
		break;
	case TICK:
		wait_for_tick();
		send_frame(header->id, PONG, NULL, 0);
		break;
	case AWAKE:
		/* A machine that is saved as soon as it has answered has no more to do for the interrupt. */
		listen_for_interrupt();
		want_interrupts(RX, 0);
		send_frame(header->id, PONG, NULL, 0);
		if (header->length == sizeof(ms)) {
			memcpy(&ms, payload, sizeof(ms));
			stay_awake(ms);
		}
		want_interrupts(RX, 1);
		break;
	default:
		fprintf(stderr, "guestrig-agent: unknown frame type %u\n", header->type);
	}
	if (header->type != AWAKE)
		nothing_came = 0;
}

static void receive(void)
{
	static uint8_t stream[sizeof(struct header) + MAX_FRAME + QUEUE_LEN * RX_BUFFER];
	static size_t length;
	uint32_t part;
	int i;

	while ((i = take(RX, &part)) >= 0) {
		struct header header;
		size_t at = 0;

		copy_in(stream + length, buffer_at(RX, i), part);
		length += part;
		offer(RX, i);
		reg_write(QUEUE_NOTIFY, RX);
		for (;;) {
			if (length - at < sizeof(header))
				break;
			memcpy(&header, stream + at, sizeof(header));
			if (header.length > MAX_FRAME) {
				errno = EPROTO;
				die("frame too long");
			}
			if (length - at < sizeof(header) + header.length)
				break;
			/* argv strings end with NUL also where the sender forgot the last one */
			uint8_t next = stream[at + sizeof(header) + header.length];

			stream[at + sizeof(header) + header.length] = 0;
			obey(&header, stream + at + sizeof(header));
			stream[at + sizeof(header) + header.length] = next;
			at += sizeof(header) + header.length;
		}
		memmove(stream, stream + at, length - at);
		length -= at;
	}
}

/*
 * "guestrig-agent --seed": credits the kernel with entropy, so that getrandom(2) does not block. An emulated machine gathers
 * entropy for seconds, and init-dom0less wants a UUID. The seed is always the same: nothing here is secret.
 */
static int seed(void)
{
	struct {
		struct rand_pool_info info;
		uint32_t bytes[8];
	} pool = { .info = { .entropy_count = 256, .buf_size = 32 } };
	int fd = open("/dev/urandom", O_WRONLY | O_CLOEXEC);

	for (uint32_t i = 0; i < 8; i++)
		pool.bytes[i] = 0x9e3779b9 * (i + 1);
	if (fd < 0 || ioctl(fd, RNDADDENTROPY, &pool))
		die("RNDADDENTROPY");
	return 0;
}

/*
 * The agent runs on processor 0, where serial interrupts arrive. So an answer of the agent tells that this processor is through
 * with whatever ran on it before, the end of a command included (see Board.sysrq in harness/platform/board.ts).
 */
static void stay_on_first_processor(void)
{
	cpu_set_t first;

	CPU_ZERO(&first);
	CPU_SET(0, &first);
	if (sched_getaffinity(0, sizeof(everywhere), &everywhere) || sched_setaffinity(0, sizeof(first), &first))
		die("affinity");
}

/* Waits until the harness, or one of the commands in the first so many places, wants something, and sees to that. */
static void attend_to(int places, int child_ended)
{
	struct pollfd polls[2 + 3 * MAX_COMMANDS] = {
		{ .fd = uio, .events = POLLIN },
		{ .fd = child_ended, .events = POLLIN },
	};
	struct signalfd_siginfo info;

	for (int i = 0; i < places; i++) {
		struct command *c = &commands[i];
		struct pollfd *p = polls + 2 + 3 * i;

		p[0] = (struct pollfd){ .fd = c->pid ? c->out : -1, .events = POLLIN };
		p[1] = (struct pollfd){ .fd = c->pid ? c->err : -1, .events = POLLIN };
		p[2] = (struct pollfd){ .fd = c->pid && c->pending_length ? c->in : -1, .events = POLLOUT };
	}
	if (poll(polls, 2 + 3 * places, -1) < 0 && errno != EINTR)
		die("poll");
	if (polls[0].revents)
		take_interrupt();
	receive();
	reclaim_sent();
	for (int i = 0; i < places; i++) {
		struct command *c = &commands[i];

		if (!c->pid)
			continue;
		drain(c, &c->out, STDOUT);
		drain(c, &c->err, STDERR);
		if (c->pending_length)
			feed(c);
	}
	if (!polls[1].revents)
		return;
	while (read(child_ended, &info, sizeof(info)) == sizeof(info))
		;
	reap();
}

int main(int argc, char **argv)
{
	sigset_t children;
	int child_ended;

	if (argc > 1 && !strcmp(argv[1], "--seed"))
		return seed();

	signal(SIGPIPE, SIG_IGN);
	sigemptyset(&children);
	sigaddset(&children, SIGCHLD);
	sigprocmask(SIG_BLOCK, &children, NULL);
	child_ended = signalfd(-1, &children, SFD_CLOEXEC | SFD_NONBLOCK);
	if (child_ended < 0)
		die("signalfd");
	stay_on_first_processor();
	open_port();
	/* What the first answer needs is in memory by the time that a snapshot is taken. */
	if (mlockall(MCL_CURRENT | MCL_FUTURE))
		die("mlockall");
	say_hello();

	for (;;) {
		int places;

		listen_for_interrupt();
		receive();
		places = places_in_use();
		if (places) {
			attend_to(places, child_ended);
		} else {
			/* The shortest way to wake an idle domain: its kernel has no list of files to look through. */
			take_interrupt();
			receive();
		}
	}
}
