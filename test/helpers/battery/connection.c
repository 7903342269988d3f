// SPDX-License-Identifier: Apache-2.0
/* Connections between the two parts of a check: how they come to be. */
#define _GNU_SOURCE
#include "battery.h"

#include <fcntl.h>
#include <netinet/in.h>

/* Fewer than make a socket one that may be joined: whoever changes its ways does so early. */
#define CHANGING_ROUNDS 16
/* More than that, with a pause in which it is joined. */
#define EVENT_LOOP_ROUNDS 64
#define EVENT_LOOP_PAUSE 40
#define WARM_UP_BYTES 64

struct connection open_connection(struct part *part)
{
	struct connection connection;

	if (part->is_server) {
		int listener = make_listener(part);

		start_listening(part, listener);
		connection = accept_connection(part, listener, 0);
		close(listener);
	} else {
		find_server(part);
		connection = connect_socket(part, make_socket(part), 0);
	}
	warm_up(&connection);
	return connection;
}

int make_listener(struct part *part)
{
	int fd = make_socket(part);

	set_option(part, fd, SOL_SOCKET, SO_REUSEADDR, 1);
	((struct sockaddr_in *)&part->address)->sin_port = 0;
	done(part, "bind", bind(fd, (void *)&part->address, part->address_length));
	return fd;
}

void start_listening(struct part *part, int listener)
{
	struct sockaddr_in6 own;
	socklen_t length = sizeof(own);

	done(part, "listen", listen(listener, 1024));
	done(part, "getsockname", getsockname(listener, (void *)&own, &length));
	tell(part, own.sin6_port);
}

void find_server(struct part *part)
{
	/* The port is at the same place for both families. */
	((struct sockaddr_in *)&part->address)->sin_port = hear(part);
}

int make_socket(struct part *part)
{
	return done(part, "socket",
		    socket(part->address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, IPPROTO_TCP));
}

struct connection accept_connection(struct part *part, int listener, unsigned int number)
{
	struct pollfd waiting = { .fd = listener, .events = POLLIN };
	int flags = SOCK_CLOEXEC;

	if (part->mode == EVENT_LOOP) {
		poll(&waiting, 1, -1);
		flags |= SOCK_NONBLOCK;
	}
	return make_connection(part, done(part, "accept", accept4(listener, NULL, NULL, flags)),
			       number);
}

struct connection connect_socket(struct part *part, int fd, unsigned int number)
{
	struct pollfd connecting = { .fd = fd, .events = POLLOUT };
	int error = 0;
	socklen_t length = sizeof(error);

	if (part->mode != EVENT_LOOP) {
		done(part, "connect", connect(fd, (void *)&part->address, part->address_length));
		return make_connection(part, fd, number);
	}
	set_non_blocking(part, fd, true);
	if (connect(fd, (void *)&part->address, part->address_length)) {
		if (errno != EINPROGRESS)
			done(part, "connect", -1);
		poll(&connecting, 1, -1);
		getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &length);
		if (error)
			fail(part, "connect: %s", strerrorname_np(error));
	}
	return make_connection(part, fd, number);
}

struct connection make_connection(struct part *part, int fd, unsigned int number)
{
	uint64_t seed = part->seed ^ ((uint64_t)number << 20);

	return (struct connection){ .part = part,
				    .fd = fd,
				    .out.seed = seed * 2 + part->is_server,
				    .in.seed = seed * 2 + !part->is_server };
}

void warm_up(struct connection *connection)
{
	struct part *part = connection->part;
	enum mode mode = part->mode;
	int rounds = mode == CHANGING ? CHANGING_ROUNDS : EVENT_LOOP_ROUNDS;
	int pause = mode == CHANGING ? CHANGING_ROUNDS - 1 : EVENT_LOOP_PAUSE;

	if (mode == BLOCKING)
		return;
	part->mode = EVENT_LOOP;
	set_non_blocking(part, connection->fd, true);
	for (int round = 0; round < rounds; round++) {
		if (part->is_server)
			receive_stream(connection, WARM_UP_BYTES);
		send_stream(connection, WARM_UP_BYTES);
		if (!part->is_server)
			receive_stream(connection, WARM_UP_BYTES);
		if (round == pause)
			sleep_ms(part->pause_ms);
	}
	part->mode = mode;
	set_non_blocking(part, connection->fd, mode == EVENT_LOOP);
}

void set_non_blocking(struct part *part, int fd, bool on)
{
	int flags = done(part, "fcntl", fcntl(fd, F_GETFL));

	done(part, "fcntl", fcntl(fd, F_SETFL, on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK));
}

void set_option(struct part *part, int fd, int level, int option, int value)
{
	done(part, "setsockopt", setsockopt(fd, level, option, &value, sizeof(value)));
}
