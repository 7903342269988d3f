// SPDX-License-Identifier: Apache-2.0
/* One thread: an event loop over all connections, or one connection after the other in blocking mode. */
#define _GNU_SOURCE
#include "stream.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define BACKLOG 4096
#define EVENTS_MAX 64

struct session {
	struct stream stream;
	struct order order;
	size_t order_bytes; /* of the order that have come */
	uint64_t done;	    /* requests, or bytes */
	size_t got;	    /* of a request */
	bool stalls;
};

static void answer(const struct session *session, size_t size)
{
	write_all(&session->stream, buffer, size);
}

static void take_order(struct session *session, size_t got)
{
	session->order_bytes += got;
	if (session->order_bytes < sizeof(session->order))
		return;
	if (session->order.size > sizeof(buffer)) {
		fprintf(stderr, "stream: too large an order\n");
		exit(2);
	}
	session->done = session->got = 0;
	session->stalls = session->order.kind == STALL;
	answer(session, 1);
}

static void take_request(struct session *session, size_t got)
{
	session->got += got;
	if (session->got < session->order.size)
		return;
	session->got = 0;
	answer(session, session->order.size);
	if (++session->done == session->order.count)
		session->order_bytes = 0;
}

static void take_bulk(struct session *session, size_t got)
{
	session->done += got;
	if (session->done < session->order.count)
		return;
	session->order_bytes = 0;
	answer(session, 1);
}

/* One read. Returns false at the end. */
static bool serve_some(struct session *session)
{
	bool ordered = session->order_bytes == sizeof(session->order);
	char *order = (char *)&session->order + session->order_bytes;
	ssize_t got;

	if (!ordered)
		got = read(session->stream.fd, order,
			   sizeof(session->order) - session->order_bytes);
	else if (session->order.kind == REQUESTS)
		got = read(session->stream.fd, buffer, session->order.size - session->got);
	else
		got = read(session->stream.fd, buffer, session->order.size);
	if (got <= 0)
		return got < 0 && errno == EAGAIN;
	if (!ordered)
		take_order(session, got);
	else if (session->order.kind == REQUESTS)
		take_request(session, got);
	else
		take_bulk(session, got);
	return true;
}

/* Whoever stalls wants to hear of the end only. */
static void watch(int epoll, struct session *session, int operation)
{
	struct epoll_event event = { .events = session->stalls ? 0 : EPOLLIN, .data.ptr = session };

	if (epoll_ctl(epoll, operation, session->stream.fd, &event))
		fail("watch", "a connection");
}

static void start_session(int epoll, int fd)
{
	struct session *session = calloc(1, sizeof(*session));

	if (!session)
		fail("keep", "a connection");
	session->stream = open_stream(fd, false);
	close(session->stream.epoll); /* all share one */
	session->stream.epoll = -1;
	watch(epoll, session, EPOLL_CTL_ADD);
}

static void serve_event(int epoll, struct session *session, uint32_t events)
{
	if ((events & (EPOLLHUP | EPOLLERR)) || !serve_some(session)) {
		close_stream(&session->stream);
		free(session);
	} else if (session->stalls) {
		watch(epoll, session, EPOLL_CTL_MOD);
	}
}

static void run_loop(int epoll, int listener)
{
	for (;;) {
		struct epoll_event events[EVENTS_MAX];
		int count = epoll_wait(epoll, events, EVENTS_MAX, -1);

		for (int i = 0; i < count; i++) {
			int fd;

			if (events[i].data.ptr == &buffer) /* its input */
				return;
			if (events[i].data.ptr) {
				serve_event(epoll, events[i].data.ptr, events[i].events);
				continue;
			}
			fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
			if (fd < 0)
				fail("accept", "a connection");
			start_session(epoll, fd);
		}
	}
}

static void serve_blocking(int listener)
{
	struct pollfd any[] = { { .fd = listener, .events = POLLIN },
				{ .fd = STDIN_FILENO, .events = POLLIN } };

	while (poll(any, 2, -1) > 0 && !any[1].revents) {
		int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		struct session session = {};

		if (fd < 0)
			fail("accept", "a connection");
		session.stream = open_stream(fd, true);
		while (serve_some(&session))
			;
		close_stream(&session.stream);
	}
}

void serve(const char *text, bool blocks)
{
	struct sockaddr_in address = parse_address(text);
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	struct epoll_event accepting = { .events = EPOLLIN };
	struct epoll_event input = { .events = EPOLLIN, .data.ptr = &buffer };

	if (listener < 0 || setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    bind(listener, (struct sockaddr *)&address, sizeof(address)) ||
	    listen(listener, BACKLOG))
		fail("listen at", text);
	printf("ready\n");
	fflush(stdout);
	if (blocks) {
		serve_blocking(listener);
		return;
	}
	if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &accepting) ||
	    epoll_ctl(epoll, EPOLL_CTL_ADD, STDIN_FILENO, &input))
		fail("wait at", text);
	run_loop(epoll, listener);
}

void serve_one(int fd)
{
	struct session session = { .stream = open_stream(fd, false) };
	struct epoll_event event;

	while (epoll_wait(session.stream.epoll, &event, 1, -1) >= 0 && serve_some(&session))
		;
}
