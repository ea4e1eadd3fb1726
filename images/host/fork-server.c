// SPDX-License-Identifier: GPL-2.0-only
/*
 * fork-server: a program is loaded once, and runs as often as it is asked for.
 *
 *	ld.so --preload fork-server.so [--library-path …] PROGRAM [ARGUMENT…] ROOM
 *
 * The dynamic linker calls this library's __libc_start_main in place of the C library's. So when all libraries are there, every relocation
 * is made and every constructor has run, PROGRAM's main does not begin: requests come on the socket that was inherited as file descriptor 3,
 * and each forks a child in which main does begin, with the arguments above, less ROOM, and those of the request. To a program that is made for
 * being forked before main, as one that can put itself into the background is, that is no different from being started.
 *
 * The socket keeps records apart (SOCK_SEQPACKET, unix(7)); numbers are u32 in the host's byte order. A request is a type, an id, and for START
 * the child's working folder and its arguments, each ended by NUL, with the file descriptors that it shall have as 0, 1, 2, … (SCM_RIGHTS). A
 * report is a type, the request's id, and a value. harness/board/fork-server.ts is the other end.
 *
 * ROOM is an argument of any text: over it, each child writes its own arguments, for ps and the like (/proc/PID/cmdline, proc(5)).
 *
 * Whoever has the other end need only go, however that happens: the socket's end ends this process and all its children.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define CONTROL 3

/* Bytes of a request's strings, arguments of a child, file descriptors of one request, and children at a time, at most */
#define LONGEST 131072
#define MOST_ARGUMENTS 4096
#define MOST_FDS 64
#define MOST_CHILDREN 256

enum {
	/* requests */
	START = 1, /* folder, arguments */
	KILL = 2,
	/* reports */
	READY = 1,       /* once, before any request */
	STARTED = 2,     /* pid */
	NOT_STARTED = 3, /* errno */
	EXITED = 4,      /* status */
	SIGNALLED = 5,   /* signal */
};

/* Exit status of a child that does not get as far as main, as shells have it */
#define NOT_RUN 127

struct report {
	uint32_t type, id, value;
};

struct request {
	uint32_t type, id;
	/* One more than there can be, always NUL: the last string ends also where its sender forgot */
	char strings[LONGEST + 1];
};

typedef int main_function(int, char **, char **);
typedef int start_function(main_function *, int, char **, void (*)(void), void (*)(void), void (*)(void), void *);

static main_function *program;
static char **environment;
/* What every child's arguments begin with */
static char *arguments[MOST_ARGUMENTS + 1];
static int common;
static char *room;
static size_t room_size;

static struct child {
	pid_t pid;
	uint32_t id;
} children[MOST_CHILDREN];
/* The socket, and a descriptor for the end of each child */
static struct pollfd polls[1 + MOST_CHILDREN];
static int count;

static struct request request;
static int fds[MOST_FDS], fd_count;

static _Noreturn void die(const char *what)
{
	dprintf(2, "fork-server: %s: %s\n", what, strerror(errno));
	_exit(NOT_RUN);
}

static _Noreturn void leave(void)
{
	for (int i = 0; i < count; i++)
		kill(children[i].pid, SIGKILL);
	for (int i = 0; i < count; i++)
		waitpid(children[i].pid, NULL, 0);
	_exit(0);
}

static void tell(uint32_t type, uint32_t id, uint32_t value)
{
	struct report report = { type, id, value };

	if (send(CONTROL, &report, sizeof(report), MSG_NOSIGNAL) < 0)
		leave();
}

/*
 * Descriptor i of the child is the request's i-th, and there are no others. First they go out of each other's way, but not far: where a process
 * with threads gets a descriptor above 63, the kernel waits for a grace period of RCU, some 20 ms (expand_fdtable in its fs/file.c).
 */
static void place_fds(void)
{
	for (int i = 0; i < fd_count; i++) {
		fds[i] = fcntl(fds[i], F_DUPFD, fd_count);
		if (fds[i] < 0)
			die("file descriptors");
	}
	for (int i = 0; i < fd_count; i++)
		if (dup2(fds[i], i) < 0)
			die("file descriptors");
	if (syscall(SYS_close_range, fd_count, ~0U, 0))
		die("close_range");
}

static void show(const char *strings, size_t size)
{
	memcpy(room, strings, size < room_size ? size : room_size);
}

static _Noreturn void run(pid_t server, const char *folder, int argc, const char *strings, size_t size)
{
	/* If the server has gone before that was in force, it has another parent. */
	if (prctl(PR_SET_PDEATHSIG, SIGKILL) || getppid() != server)
		_exit(NOT_RUN);
	place_fds();
	if (chdir(folder))
		die(folder);
	show(strings, size);
	exit(program(argc, arguments, environment));
}

/* Splits what a request brings into the folder and the arguments; gives how many those are, with the common ones, or -1. */
static int parse(size_t size, char **rest)
{
	char *end = request.strings + size, *at = request.strings + strlen(request.strings) + 1;
	int argc = common;

	*rest = at < end ? at : end;
	for (; at < end; at += strlen(at) + 1) {
		if (argc == MOST_ARGUMENTS)
			return -1;
		arguments[argc++] = at;
	}
	arguments[argc] = NULL;
	return argc;
}

/* The errno of what stands in the way, or 0. */
static int start(size_t size)
{
	pid_t server = getpid(), pid;
	char *rest;
	int argc = parse(size, &rest), pidfd, error;

	if (argc < 0)
		return E2BIG;
	if (count == MOST_CHILDREN)
		return EAGAIN;
	pid = fork();
	if (pid == 0)
		run(server, request.strings, argc, rest, request.strings + size - rest);
	if (pid < 0)
		return errno;
	pidfd = syscall(SYS_pidfd_open, pid, 0);
	if (pidfd < 0) {
		error = errno;
		kill(pid, SIGKILL);
		waitpid(pid, NULL, 0);
		return error;
	}
	children[count] = (struct child){ pid, request.id };
	polls[1 + count] = (struct pollfd){ .fd = pidfd, .events = POLLIN };
	count++;
	tell(STARTED, request.id, pid);
	return 0;
}

static void reap(int i)
{
	struct child child = children[i];
	int status;

	if (waitpid(child.pid, &status, 0) != child.pid)
		die("waitpid");
	close(polls[1 + i].fd);
	count--;
	children[i] = children[count];
	polls[1 + i] = polls[1 + count];
	if (WIFSIGNALED(status))
		tell(SIGNALLED, child.id, WTERMSIG(status));
	else
		tell(EXITED, child.id, WEXITSTATUS(status));
}

/* A child that nobody has waited for yet still has its pid. */
static void kill_child(uint32_t id)
{
	for (int i = 0; i < count; i++)
		if (children[i].id == id)
			kill(children[i].pid, SIGKILL);
}

/* The next record into `request` and `fds`; how many bytes its strings have, or -1 if that is more than there is room for. */
static ssize_t receive(void)
{
	union {
		char bytes[CMSG_SPACE(sizeof(fds))];
		struct cmsghdr alignment;
	} control;
	struct iovec record = { &request, sizeof(request) - 1 };
	struct msghdr message = {
		.msg_iov = &record,
		.msg_iovlen = 1,
		.msg_control = &control,
		.msg_controllen = sizeof(control),
	};
	ssize_t length = recvmsg(CONTROL, &message, MSG_CMSG_CLOEXEC), size = length - offsetof(struct request, strings);
	struct cmsghdr *rights;

	if (length < 0)
		die("the control socket");
	if (length == 0)
		leave();
	rights = CMSG_FIRSTHDR(&message);
	fd_count = 0;
	if (rights && rights->cmsg_level == SOL_SOCKET && rights->cmsg_type == SCM_RIGHTS) {
		fd_count = (rights->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		memcpy(fds, CMSG_DATA(rights), fd_count * sizeof(int));
	}
	if (size < 0 || message.msg_flags & (MSG_TRUNC | MSG_CTRUNC))
		return -1;
	request.strings[size] = 0;
	return size;
}

static void obey(void)
{
	ssize_t size = receive();
	int error;

	if (request.type == KILL) {
		kill_child(request.id);
	} else {
		error = size < 0 ? E2BIG : start(size);
		if (error)
			tell(NOT_STARTED, request.id, error);
	}
	for (int i = 0; i < fd_count; i++)
		close(fds[i]);
}

/* In place of main */
static _Noreturn int serve(int argc, char **argv, char **envp)
{
	if (argc < 2 || argc > MOST_ARGUMENTS) {
		errno = EINVAL;
		die("arguments");
	}
	common = argc - 1;
	memcpy(arguments, argv, common * sizeof(*argv));
	room = argv[common];
	room_size = strlen(room);
	memset(room, 0, room_size);
	environment = envp;
	/* What else was inherited is nobody's business here. */
	if (syscall(SYS_close_range, CONTROL + 1, ~0U, 0))
		die("close_range");
	polls[0] = (struct pollfd){ .fd = CONTROL, .events = POLLIN };
	tell(READY, 0, 0);
	for (;;) {
		if (poll(polls, 1 + count, -1) < 0) {
			if (errno != EINTR)
				die("poll");
			continue;
		}
		/* From the last one down: where one was, the last one is then. */
		for (int i = count - 1; i >= 0; i--)
			if (polls[1 + i].revents)
				reap(i);
		if (polls[0].revents)
			obey();
	}
}

int __libc_start_main(main_function *main, int argc, char **argv, void (*init)(void), void (*fini)(void),
		      void (*rtld_fini)(void), void *stack_end)
{
	start_function *next = (start_function *)dlsym(RTLD_NEXT, "__libc_start_main");

	program = main;
	return next(serve, argc, argv, init, fini, rtld_fini, stack_end);
}
