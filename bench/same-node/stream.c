// SPDX-License-Identifier: Apache-2.0
/*
 * Messages over connections that stay: a server, and a client that times what it sends.
 *
 *   stream serve ADDRESS:PORT [blocking]   prints "ready", serves until its input ends
 *   stream ask ADDRESS:PORT [blocking]     reads commands, answers each with a line of JSON, ends
 *                                          with its input
 *   stream pair CPU CPU                    the same over a pair of UNIX sockets, with a server of its
 *                                          own, which runs on the second CPU
 *
 *     connect                a new connection, in the place of the last one: {}
 *     requests SIZE COUNT    one at a time, answered with as many bytes: {"us":..} for each
 *     bulk SIZE BYTES        in writes of that size, until all have been read: {"us":..} for all
 *     fill SIZE              writes until nothing goes for a while, to a server that does not read:
 *                            {"bytes":..}
 *     hold COUNT             opens as many connections beside: {}
 *     touch COUNT            as many requests of one byte on each of those: {}
 *     close                  all connections, at once: {}
 *
 * Sockets are non-blocking and waited for with epoll before each read, as event loops do; with
 * "blocking" they are read in blocking mode.
 */
#define _GNU_SOURCE
#include "stream.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

char buffer[SIZE_MAX_BYTES];

struct stream open_stream(int fd, bool blocks)
{
	struct stream stream = { .fd = fd, .epoll = -1, .blocks = blocks };
	struct epoll_event event = { .events = EPOLLIN };
	int on = 1, flags = fcntl(fd, F_GETFL);

	/* Not of UNIX sockets, which do not wait for more. */
	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on)) && errno != EOPNOTSUPP)
		fail("set", "TCP_NODELAY");
	if (blocks)
		return stream;
	stream.epoll = epoll_create1(EPOLL_CLOEXEC);
	if (fcntl(fd, F_SETFL, flags | O_NONBLOCK) || stream.epoll < 0 ||
	    epoll_ctl(stream.epoll, EPOLL_CTL_ADD, fd, &event))
		fail("wait for", "a connection");
	return stream;
}

void close_stream(struct stream *stream)
{
	if (stream->epoll >= 0)
		close(stream->epoll);
	if (stream->fd >= 0)
		close(stream->fd);
	stream->fd = stream->epoll = -1;
}

void write_all(const struct stream *stream, const void *data, size_t size)
{
	struct pollfd room = { .fd = stream->fd, .events = POLLOUT };

	while (size > 0) {
		ssize_t put = send(stream->fd, data, size, MSG_NOSIGNAL);

		if (put < 0 && errno == EAGAIN)
			poll(&room, 1, -1);
		else if (put < 0)
			fail("send to", "the other end");
		if (put <= 0)
			continue;
		data = (const char *)data + put;
		size -= put;
	}
}

ssize_t read_some(const struct stream *stream, void *data, size_t size)
{
	for (;;) {
		struct epoll_event event;
		ssize_t got;

		if (!stream->blocks && epoll_wait(stream->epoll, &event, 1, -1) < 0)
			fail("wait for", "the other end");
		got = read(stream->fd, data, size);
		if (got >= 0)
			return got;
		if (errno != EAGAIN)
			fail("read from", "the other end");
	}
}

static void run_on(const char *cpu)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(atoi(cpu), &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		fail("run on CPU", cpu);
}

static void run_pair(const char *client_cpu, const char *server_cpu)
{
	int ends[2];

	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends))
		fail("make", "a pair");
	if (fork() == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		close(ends[0]);
		run_on(server_cpu);
		serve_one(ends[1]);
		exit(0);
	}
	close(ends[1]);
	run_on(client_cpu);
	ask_on(ends[0]);
}

int main(int argc, char **argv)
{
	bool blocks = argc == 4 && strcmp(argv[3], "blocking") == 0;
	struct rlimit files;

	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	if (argc == 4 && strcmp(argv[1], "pair") == 0)
		run_pair(argv[2], argv[3]);
	else if ((argc == 3 || blocks) && strcmp(argv[1], "serve") == 0)
		serve(argv[2], blocks);
	else if ((argc == 3 || blocks) && strcmp(argv[1], "ask") == 0)
		ask(argv[2], blocks);
	else
		return fprintf(stderr, "usage: stream serve|ask ADDRESS:PORT [blocking] | stream "
				       "pair CPU CPU\n"),
		       2;
	return 0;
}
