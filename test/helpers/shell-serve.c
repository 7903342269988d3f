// SPDX-License-Identifier: Apache-2.0
/*
 * Servers of the socket shell. A TCP server says its name as one line and then echoes; a UDP server answers its name, a
 * blank and what it was sent, from the address that was asked.
 */
#define _GNU_SOURCE
#include "shell.h"

#include <arpa/inet.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

enum mode {
	MODE_ECHO,
	/* Accepts and resets. */
	MODE_RESET,
	/* Accepts and closes without a word. */
	MODE_CLOSE,
	/* Never accepts, and its queue is full: a SYN gets no answer. */
	MODE_FULL,
};

struct connection {
	struct connection *next, **previous;
	int fd;
	size_t start, end;
	char buffer[16384];
};

struct server {
	struct server *next;
	long id;
	pthread_t thread;
	bool tcp;
	enum mode mode;
	int listener, epoll, stop, filler;
	struct connection *connections;
	char name[NAME_MAX_LENGTH + 2];
	atomic_long accepted, active, bytes, datagrams;
};

/* Only the main thread touches the list. */
static struct server *servers;

static int open_listener(struct server *server, char **arguments, struct sockaddr_storage *address);
static void *serve_tcp(void *argument);
static void *serve_udp(void *argument);

static void watch(struct server *server, int operation, int fd, uint32_t events, void *data)
{
	struct epoll_event event = { .events = events, .data.ptr = data };

	epoll_ctl(server->epoll, operation, fd, &event);
}

static void free_server(struct server *server)
{
	int fds[] = { server->listener, server->epoll, server->stop, server->filler };

	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	free(server);
}

/* ADDRESS may be `*`: every address of both families. */
void serve_start(long id, char **arguments)
{
	static const char *const modes[] = { "echo", "reset", "close", "full" };
	struct server *server = calloc(1, sizeof(*server));
	struct sockaddr_storage address = {};
	struct reply reply;
	socklen_t length = sizeof(address);

	reply_begin(&reply, id);
	server->id = id;
	server->tcp = !strcmp(arguments[0], "tcp");
	server->epoll = epoll_create1(EPOLL_CLOEXEC);
	server->stop = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	server->filler = -1;
	snprintf(server->name, sizeof(server->name), "%.*s%c", NAME_MAX_LENGTH, arguments[3],
		 server->tcp ? '\n' : ' ');
	for (int i = 0; arguments[4] && i < 4; i++)
		if (!strcmp(modes[i], arguments[4]))
			server->mode = i;

	server->listener = open_listener(server, arguments + 1, &address);
	if (server->listener < 0) {
		reply_errno(&reply, -1);
		reply_send(&reply);
		free_server(server);
		return;
	}
	getsockname(server->listener, (void *)&address, &length);
	reply_address(&reply, &address);
	watch(server, EPOLL_CTL_ADD, server->stop, EPOLLIN, &server->stop);
	if (server->mode != MODE_FULL)
		watch(server, EPOLL_CTL_ADD, server->listener, EPOLLIN, &server->listener);
	pthread_create(&server->thread, NULL, server->tcp ? serve_tcp : serve_udp, server);
	server->next = servers;
	servers = server;
	reply_send(&reply);
}

bool serve_stop(long id)
{
	for (struct server **at = &servers; *at; at = &(*at)->next) {
		struct server *server = *at;

		if (server->id != id)
			continue;
		*at = server->next;
		eventfd_write(server->stop, 1);
		pthread_join(server->thread, NULL);
		free_server(server);
		return true;
	}
	return false;
}

bool serve_report(long id, struct reply *reply)
{
	for (struct server *server = servers; server; server = server->next) {
		if (server->id != id)
			continue;
		reply_number(reply, "accepted", server->accepted);
		reply_number(reply, "active", server->active);
		reply_number(reply, "bytes", server->bytes);
		reply_number(reply, "datagrams", server->datagrams);
		return true;
	}
	return false;
}

/* Connections in the accept queue beyond `backlog` + 1 get no answer to their SYN: one fills a queue of 0. */
static int fill_queue(const struct sockaddr_storage *listening)
{
	struct sockaddr_storage address = *listening;
	struct sockaddr_in6 *v6 = (void *)&address;
	int fd = socket(address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (address.ss_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&v6->sin6_addr))
		v6->sin6_addr = in6addr_loopback;
	set_time_limit(fd, SO_SNDTIMEO, TIMEOUT_MS);
	if (connect(fd, (void *)&address, sizeof(address)) == 0)
		return fd;
	close(fd);
	return -1;
}

static int open_listener(struct server *server, char **arguments, struct sockaddr_storage *address)
{
	bool any = !strcmp(arguments[0], "*");
	socklen_t length = parse_address(any ? "::" : arguments[0], arguments[1], address);
	int fd = socket(address->ss_family,
			(server->tcp ? SOCK_STREAM : SOCK_DGRAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int on = 1, off = 0, error;

	if (fd < 0)
		return -1;
	if (server->tcp)
		setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (address->ss_family == AF_INET6) {
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, any ? &off : &on, sizeof(on));
		setsockopt(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO, &on, sizeof(on));
	} else {
		setsockopt(fd, IPPROTO_IP, IP_PKTINFO, &on, sizeof(on));
	}
	if (!length)
		errno = EINVAL;
	else if (bind(fd, (void *)address, length) == 0 &&
		 (!server->tcp || listen(fd, server->mode == MODE_FULL ? 0 : SOMAXCONN) == 0)) {
		socklen_t size = sizeof(*address);

		getsockname(fd, (void *)address, &size);
		if (server->mode != MODE_FULL || (server->filler = fill_queue(address)) >= 0)
			return fd;
	}
	error = errno;
	close(fd);
	errno = error;
	return -1;
}

static void end_connection(struct server *server, struct connection *connection)
{
	*connection->previous = connection->next;
	if (connection->next)
		connection->next->previous = connection->previous;
	/* A walk over open files may hold on to it for a moment: until then epoll would tell of what is freed. */
	watch(server, EPOLL_CTL_DEL, connection->fd, 0, NULL);
	close(connection->fd);
	free(connection);
	server->active--;
}

static void accept_all(struct server *server)
{
	size_t length = strlen(server->name);
	int fd;

	while ((fd = accept4(server->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0) {
		struct connection *connection;

		server->accepted++;
		if (server->mode != MODE_ECHO) {
			if (server->mode == MODE_RESET)
				set_reset_on_close(fd);
			close(fd);
			continue;
		}
		/* An empty send buffer takes a short line whole. */
		send(fd, server->name, length, MSG_NOSIGNAL);
		connection = calloc(1, sizeof(*connection));
		connection->fd = fd;
		connection->next = server->connections;
		connection->previous = &server->connections;
		if (connection->next)
			connection->next->previous = &connection->next;
		server->connections = connection;
		server->active++;
		watch(server, EPOLL_CTL_ADD, fd, EPOLLIN, connection);
	}
}

/* Reads only when everything before is sent, so that a client that does not read is not buffered without end. */
static void echo(struct server *server, struct connection *connection)
{
	ssize_t size;

	if (connection->start == connection->end) {
		size = recv(connection->fd, connection->buffer, sizeof(connection->buffer), 0);
		if (size == 0 || (size < 0 && errno != EAGAIN)) {
			end_connection(server, connection);
			return;
		}
		if (size < 0)
			return;
		connection->start = 0;
		connection->end = size;
		server->bytes += size;
	}
	size = send(connection->fd, connection->buffer + connection->start,
		    connection->end - connection->start, MSG_NOSIGNAL);
	if (size < 0 && errno != EAGAIN) {
		end_connection(server, connection);
		return;
	}
	if (size > 0)
		connection->start += size;
	watch(server, EPOLL_CTL_MOD, connection->fd,
	      connection->start < connection->end ? EPOLLOUT : EPOLLIN, connection);
}

static void *serve_tcp(void *argument)
{
	struct server *server = argument;
	struct epoll_event events[64];

	for (;;) {
		int count = epoll_wait(server->epoll, events, 64, -1);
		bool stopped = false;

		for (int i = 0; i < count; i++) {
			if (events[i].data.ptr == &server->stop)
				stopped = true;
			else if (events[i].data.ptr == &server->listener)
				accept_all(server);
			else
				echo(server, events[i].data.ptr);
		}
		if (stopped)
			break;
	}
	while (server->connections)
		end_connection(server, server->connections);
	return NULL;
}

/* The control message that came with a datagram says which address was asked; sent back, it sets the source. */
static void answer_datagram(struct server *server)
{
	char text[TEXT_MAX], control[CMSG_SPACE(sizeof(struct in6_pktinfo)) +
				     CMSG_SPACE(sizeof(struct in_pktinfo))];
	size_t prefix = strlen(server->name);
	struct sockaddr_storage from;
	struct iovec data = { .iov_base = text + prefix, .iov_len = sizeof(text) - prefix };
	struct msghdr message = {
		.msg_name = &from,
		.msg_namelen = sizeof(from),
		.msg_iov = &data,
		.msg_iovlen = 1,
		.msg_control = control,
		.msg_controllen = sizeof(control),
	};
	ssize_t size = recvmsg(server->listener, &message, 0);

	if (size < 0)
		return;
	server->datagrams++;
	server->bytes += size;
	for (struct cmsghdr *part = CMSG_FIRSTHDR(&message); part;
	     part = CMSG_NXTHDR(&message, part)) {
		/* Routing chooses the interface; `ipi_spec_dst` is already the address that was asked. */
		if (part->cmsg_level == IPPROTO_IP && part->cmsg_type == IP_PKTINFO)
			((struct in_pktinfo *)CMSG_DATA(part))->ipi_ifindex = 0;
		if (part->cmsg_level == IPPROTO_IPV6 && part->cmsg_type == IPV6_PKTINFO)
			((struct in6_pktinfo *)CMSG_DATA(part))->ipi6_ifindex = 0;
	}
	memcpy(text, server->name, prefix);
	data.iov_base = text;
	data.iov_len = prefix + size;
	sendmsg(server->listener, &message, MSG_NOSIGNAL);
}

static void *serve_udp(void *argument)
{
	struct server *server = argument;
	struct epoll_event events[2];

	for (;;) {
		int count = epoll_wait(server->epoll, events, 2, -1);

		for (int i = 0; i < count; i++) {
			if (events[i].data.ptr == &server->stop)
				return NULL;
			answer_datagram(server);
		}
	}
}
