// SPDX-License-Identifier: Apache-2.0
/*
 * Sends back what comes: `epoll-echo PORT level|edge|edge-on`. Told of arrivals by level, it reads once
 * each time; told by edge, until a read does not fill the buffer, or reads on until nothing is left.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <err.h>
#include <errno.h>
#include <poll.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

static bool by_edge, reads_on;

static int open_listener(const char *port)
{
	struct sockaddr_in address = { .sin_family = AF_INET, .sin_port = htons(atoi(port)) };
	int one = 1, fd = socket(AF_INET, SOCK_STREAM, 0);

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (bind(fd, (struct sockaddr *)&address, sizeof(address)) || listen(fd, 16))
		err(1, "listen at port %s", port);
	return fd;
}

static void watch(int epoll, int fd, unsigned int events)
{
	struct epoll_event event = { .events = events, .data.fd = fd };

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event))
		err(1, "watch a socket");
}

static void send_back(int fd, const char *bytes, ssize_t length)
{
	while (length > 0) {
		ssize_t sent = send(fd, bytes, length, MSG_NOSIGNAL);

		if (sent < 0 && errno != EAGAIN)
			return;
		if (sent < 0)
			poll(&(struct pollfd){ fd, POLLOUT, 0 }, 1, 1000);
		bytes += sent > 0 ? sent : 0;
		length -= sent > 0 ? sent : 0;
	}
}

static void answer(int fd)
{
	static char bytes[65536];
	ssize_t length;

	do {
		length = read(fd, bytes, sizeof(bytes));
		if (length == 0 || (length < 0 && errno != EAGAIN)) {
			close(fd);
			return;
		}
		send_back(fd, bytes, length);
	} while (by_edge && (reads_on ? length > 0 : length == sizeof(bytes)));
}

int main(int argc, char **argv)
{
	struct epoll_event event;
	int epoll = epoll_create1(0), listener;

	if (argc != 3)
		errx(2, "usage: epoll-echo PORT level|edge|edge-on");
	by_edge = strcmp(argv[2], "level") != 0;
	reads_on = strcmp(argv[2], "edge-on") == 0;
	listener = open_listener(argv[1]);
	watch(epoll, listener, EPOLLIN);
	while (epoll_wait(epoll, &event, 1, -1) > 0 || errno == EINTR) {
		if (event.data.fd != listener)
			answer(event.data.fd);
		else
			watch(epoll, accept4(listener, NULL, NULL, SOCK_NONBLOCK),
			      EPOLLIN | (by_edge ? EPOLLET : 0));
	}
	err(1, "wait for events");
}
