// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <bpf/bpf.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "descriptor.h"
#include "diag.h"
#include "error.h"
#include "shim.h"

/* What one call does, on a thread of its own. */
struct walk {
	const char *directory; /* NULL: only the namespace of the caller */
	int map_fd, link_fd;
	int error; /* the first */
	char where[NAME_MAX + 1];
};

/* What is sent to a socket wakes it; what a walk returns does not matter, only that it ends. */
static int end_by_program(int link_fd)
{
	int fd = bpf_iter_create(link_fd);
	char unused[256];
	ssize_t length;

	if (fd < 0)
		return fd;
	/* EAGAIN: the kernel pauses after a million sockets without a word. */
	do {
		length = read(fd, unused, sizeof(unused));
	} while (length > 0 || (length < 0 && (errno == EINTR || errno == EAGAIN)));
	length = length < 0 ? -errno : 0;
	close(fd);
	return length;
}

static bool is_done(const struct walk *walk)
{
	uint64_t cookie;

	return bpf_map_get_next_key(walk->map_fd, NULL, &cookie) == -ENOENT;
}

static void note(struct walk *walk, int error, const char *where)
{
	if (!error || walk->error)
		return;
	walk->error = error;
	snprintf(walk->where, sizeof(walk->where), "%s", where);
}

static void end_here(struct walk *walk, const char *where)
{
	note(walk,
	     walk->link_fd < 0 ? diag_end_sockets(walk->map_fd) : end_by_program(walk->link_fd),
	     where);
}

/* A namespace may go while we look, and not everything there need be one: EINVAL. */
static void visit(struct walk *walk, int directory, const char *name)
{
	int fd = openat(directory, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);

	if (fd < 0) {
		note(walk, errno == ENOENT || errno == ENXIO ? 0 : -errno, name);
		return;
	}
	if (!setns(fd, CLONE_NEWNET))
		end_here(walk, name);
	else if (errno != EINVAL)
		note(walk, -errno, name);
	close(fd);
}

static void visit_all(struct walk *walk, DIR *directory)
{
	const struct dirent *entry;

	while (!is_done(walk) && (entry = readdir(directory)))
		if (entry->d_name[0] != '.')
			visit(walk, dirfd(directory), entry->d_name);
}

/*
 * Goes back to where it came from: a thread that ends lets go of its namespace only some time after
 * whoever waits for it has been told.
 */
static void visit_others(struct walk *walk)
{
	int own = open("/proc/thread-self/ns/net", O_RDONLY | O_CLOEXEC);
	DIR *directory = own < 0 ? NULL : opendir(walk->directory);

	if (directory) {
		visit_all(walk, directory);
		closedir(directory);
		note(walk, setns(own, CLONE_NEWNET) ? -errno : 0, "the way back");
	} else {
		note(walk, own >= 0 && errno == ENOENT ? 0 : -errno, walk->directory);
	}
	if (own >= 0)
		close(own);
}

static void *work(void *argument)
{
	struct walk *walk = argument;

	end_here(walk, "this network namespace");
	if (walk->directory && !is_done(walk))
		visit_others(walk);
	return NULL;
}

/* The process's own signals are not for this thread. */
static int run_on_own_thread(struct walk *walk)
{
	sigset_t all, before;
	pthread_t thread;
	int error;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&thread, NULL, work, walk);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error)
		return fail(-error, "end sockets: start a thread");
	pthread_join(thread, NULL);
	return walk->error ? fail(walk->error, "end sockets: %s", walk->where) : 0;
}

/* The kernel copies as much as the map has, and so must we have room for. */
static int check_map(int map_fd)
{
	uint32_t info[8];
	int error = shunt_map_info(map_fd, info);

	if (!error && (info[1] != sizeof(uint64_t) || info[2] != sizeof(struct ending)))
		error = fail(-EINVAL, "end sockets: keys of %u bytes, values of %u", info[1],
			     info[2]);
	return error;
}

int shunt_end_sockets(const char *directory, int map_fd, int link_fd)
{
	struct walk walk = { .directory = directory, .map_fd = map_fd, .link_fd = link_fd };
	int error;

	error_clear();
	if (!directory)
		return fail(-EINVAL, "end sockets: no directory");
	error = check_map(map_fd);
	return error ? error : run_on_own_thread(&walk);
}

/* Connects to the discard port of this machine, which sends nothing. */
static int connect_somewhere(void)
{
	const struct sockaddr_in address = {
		.sin_family = AF_INET,
		.sin_port = htons(9),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	int error, fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return -errno;
	if (!connect(fd, (const void *)&address, sizeof(address)))
		return fd;
	error = -errno;
	close(fd);
	return error;
}

static int ends(int fd, int map_fd, int link_fd)
{
	struct walk walk = { .map_fd = map_fd, .link_fd = link_fd };
	struct ending ending = {
		.address = { [10] = 0xff, [11] = 0xff, [12] = 127, [15] = 1 },
		.port = htons(9),
	};
	int error = 0, woken;
	socklen_t size = sizeof(uint64_t);
	uint64_t cookie;

	if (getsockopt(fd, SOL_SOCKET, SO_COOKIE, &cookie, &size))
		return fail(-errno, "probe sockets: cookie");
	error = bpf_map_update_elem(map_fd, &cookie, &ending, BPF_ANY);
	if (error)
		return fail(error, "probe sockets: update the map");
	error = run_on_own_thread(&walk);
	bpf_map_delete_elem(map_fd, &cookie);
	if (error && error != -EOPNOTSUPP)
		return error;
	size = sizeof(woken);
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &woken, &size))
		return fail(-errno, "probe sockets: error");
	return woken == ECONNABORTED;
}

int shunt_probe_end_sockets(int map_fd, int link_fd)
{
	int fd, result;

	error_clear();
	result = check_map(map_fd);
	if (result)
		return result;
	fd = connect_somewhere();
	if (fd < 0)
		return fail(fd, "probe sockets: connect");
	result = ends(fd, map_fd, link_fd);
	close(fd);
	return result;
}
