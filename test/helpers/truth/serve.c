// SPDX-License-Identifier: Apache-2.0
/* Serves requests, one thread, and ends each connection as its client has asked for. */
#define _GNU_SOURCE
#include "truth.h"

#include <errno.h>
#include <linux/filter.h>
#include <linux/sockios.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define BACKLOG 8192
#define EVENTS_MAX 256
/* A connection that hears nothing is held so long: its client has given up by then. */
#define DEAF_MS 5000

struct peer {
	int fd;
	bool writes;	     /* waits for room, and reads nothing meanwhile */
	bool at_end;	     /* the client has closed its half */
	unsigned int headed; /* bytes of the header */
	struct request request;
	uint32_t body, answer; /* still to come, still to go */
	bool first;	       /* the next byte of the answer is its first */
	int64_t since_ms;
	struct peer *next;
};

static unsigned int own_number;
static int epoll;
/* Those that are to be reset once everything is acknowledged, and those that hear nothing. */
static struct peer *settling, *deaf;
static char bytes[CHUNK];

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000LL + now.tv_nsec / 1000000;
}

static void watch(int fd, uint32_t events, void *data, int operation)
{
	struct epoll_event event = { .events = events, .data.ptr = data };

	if (epoll_ctl(epoll, operation, fd, &event))
		fail("watch a descriptor");
}

/* Whatever comes is dropped before it is looked at. */
static void drop_all(int fd)
{
	struct sock_filter nothing = BPF_STMT(BPF_RET | BPF_K, 0);
	struct sock_fprog program = { .len = 1, .filter = &nothing };

	if (setsockopt(fd, SOL_SOCKET, SO_ATTACH_FILTER, &program, sizeof(program)))
		fail("attach a filter");
}

static int bind_to(int type, unsigned short port)
{
	struct sockaddr_in6 name = { .sin6_family = AF_INET6, .sin6_port = htons(port) };
	int fd = socket(AF_INET6, type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1, off = 0;

	if (fd < 0 || setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) ||
	    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    bind(fd, (struct sockaddr *)&name, sizeof(name)))
		fail("bind");
	return fd;
}

static int listen_at(unsigned short port)
{
	int fd = bind_to(SOCK_STREAM, port);

	if (listen(fd, BACKLOG))
		fail("listen");
	return fd;
}

static void end(struct peer *peer)
{
	close(peer->fd);
	free(peer);
}

static void put(struct peer **list, struct peer *peer)
{
	watch(peer->fd, 0, peer, EPOLL_CTL_DEL);
	peer->since_ms = now_ms();
	peer->next = *list;
	*list = peer;
}

static bool is_acknowledged(const struct peer *peer)
{
	int waiting = 0;

	return ioctl(peer->fd, SIOCOUTQ, &waiting) || waiting == 0;
}

static bool is_given_up(const struct peer *peer)
{
	return now_ms() - peer->since_ms >= DEAF_MS;
}

static void reset_those(struct peer **list, bool (*is_due)(const struct peer *peer))
{
	for (struct peer **at = list; *at;) {
		struct peer *peer = *at;

		if (!is_due(peer)) {
			at = &peer->next;
			continue;
		}
		*at = peer->next;
		set_reset_on_close(peer->fd);
		end(peer);
	}
}

/* False: the peer is somebody else's by now, or none. */
static bool answered(struct peer *peer)
{
	switch (peer->request.then) {
	case THEN_CLOSE:
		end(peer);
		return false;
	case THEN_RESET:
		put(&settling, peer);
		return false;
	case THEN_HEAR_NOTHING:
		put(&deaf, peer);
		return false;
	}
	if (peer->writes)
		watch(peer->fd, EPOLLIN, peer, EPOLL_CTL_MOD);
	peer->writes = false;
	return true;
}

static bool send_answer(struct peer *peer)
{
	while (peer->answer) {
		size_t size = peer->answer < CHUNK ? peer->answer : CHUNK;
		ssize_t sent;

		bytes[0] = peer->first ? own_number : 'a';
		sent = send(peer->fd, bytes, size, MSG_NOSIGNAL);
		if (sent < 0 && errno == EAGAIN) {
			if (!peer->writes)
				watch(peer->fd, EPOLLOUT, peer, EPOLL_CTL_MOD);
			peer->writes = true;
			return false;
		}
		if (sent < 0) {
			end(peer);
			return false;
		}
		peer->first = false;
		peer->answer -= sent;
	}
	return answered(peer);
}

static bool requested(struct peer *peer)
{
	peer->headed = 0;
	peer->answer = peer->request.answer;
	peer->first = true;
	/* Before the client can say more. */
	if (peer->request.then == THEN_HEAR_NOTHING)
		drop_all(peer->fd);
	return send_answer(peer);
}

/* Its first bytes are what is missing of a header. */
static bool take(struct peer *peer, const char *from, size_t size)
{
	while (size) {
		size_t wanted = sizeof(peer->request) - peer->headed;

		if (wanted) {
			wanted = wanted < size ? wanted : size;
			memcpy((char *)&peer->request + peer->headed, from, wanted);
			peer->headed += wanted;
			peer->body = peer->request.size;
		} else {
			wanted = peer->body < size ? peer->body : size;
			peer->body -= wanted;
		}
		from += wanted;
		size -= wanted;
		if (peer->headed == sizeof(peer->request) && !peer->body && !requested(peer))
			return false;
	}
	return true;
}

static void ended_by_client(struct peer *peer)
{
	if (peer->request.then == THEN_RESET_AT_END)
		put(&settling, peer);
	else
		end(peer);
}

static void read_requests(struct peer *peer)
{
	for (;;) {
		ssize_t size = read(peer->fd, bytes, sizeof(bytes));

		if (size < 0 && errno == EAGAIN)
			return;
		if (size == 0) {
			ended_by_client(peer);
			return;
		}
		if (size < 0) {
			end(peer);
			return;
		}
		/* The buffer is written over by an answer: what was read is taken first, but for its text. */
		if (!take(peer, bytes, size))
			return;
	}
}

static void accept_all(int listener)
{
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		struct peer *peer;

		if (fd < 0)
			return;
		peer = calloc(1, sizeof(*peer));
		if (!peer)
			fail("allocate");
		peer->fd = fd;
		watch(fd, EPOLLIN, peer, EPOLL_CTL_ADD);
	}
}

static void answer_datagrams(int fd)
{
	for (;;) {
		struct sockaddr_storage from;
		socklen_t length = sizeof(from);
		char datagram[64];
		ssize_t size =
			recvfrom(fd, datagram + 1, sizeof(datagram) - 1, 0, (void *)&from, &length);

		if (size < 0)
			return;
		datagram[0] = own_number;
		sendto(fd, datagram, size + 1, 0, (void *)&from, length);
	}
}

void serve(unsigned int number, unsigned short port)
{
	int listener = listen_at(port), datagrams = bind_to(SOCK_DGRAM, port),
	    silent = listen_at(port + PORT_SILENT);
	struct epoll_event events[EVENTS_MAX];

	own_number = number;
	drop_all(silent);
	epoll = epoll_create1(EPOLL_CLOEXEC);
	watch(listener, EPOLLIN, &listener, EPOLL_CTL_ADD);
	watch(datagrams, EPOLLIN, &datagrams, EPOLL_CTL_ADD);
	watch(STDIN_FILENO, EPOLLIN, NULL, EPOLL_CTL_ADD);
	printf("ready\n");
	fflush(stdout);
	for (;;) {
		int count = epoll_wait(epoll, events, EVENTS_MAX, settling ? 1 : deaf ? 100 : -1);

		for (int i = 0; i < count; i++) {
			struct peer *peer = events[i].data.ptr;

			if (!peer)
				return;
			if ((void *)peer == &listener)
				accept_all(listener);
			else if ((void *)peer == &datagrams)
				answer_datagrams(datagrams);
			else if (peer->writes)
				send_answer(peer);
			else
				read_requests(peer);
		}
		reset_those(&settling, is_acknowledged);
		reset_those(&deaf, is_given_up);
	}
}
