// SPDX-License-Identifier: Apache-2.0
/* Connections of the same addresses and ports as others: before them, or in another Pod. */
#define _GNU_SOURCE
#include "battery.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/wait.h>

#define CYCLES 4
/* Below the range that the kernel takes ports from. */
#define SOURCE_PORT 7300
#define LOOPBACK_PORT 7400
#define LOOPBACK_PAIRS 4

/* A socket that connects from the same port each time. */
static int bind_source(struct part *part)
{
	struct sockaddr_storage source = { .ss_family = part->address.ss_family };
	/* Different checks that run at once have different ports. */
	uint16_t port = SOURCE_PORT + ntohs(((struct sockaddr_in *)&part->address)->sin_port) % 97;
	int fd = make_socket(part);

	set_option(part, fd, SOL_SOCKET, SO_REUSEADDR, 1);
	((struct sockaddr_in *)&source)->sin_port = htons(port);
	done(part, "bind to the same port", bind(fd, (void *)&source, part->address_length));
	return fd;
}

static void talk(struct connection *connection)
{
	warm_up(connection);
	for (int i = 0; i < 5; i++) {
		send_stream(connection, 1000 + i);
		receive_stream(connection, 1000 + i);
	}
}

static void tuple_reuse_client(struct part *part)
{
	find_server(part);
	for (int i = 0; i < CYCLES; i++) {
		struct connection connection = connect_socket(part, bind_source(part), i);

		talk(&connection);
		/* A reset leaves no TIME_WAIT in the way of the next. */
		reset(&connection);
		meet(part, "reset");
	}
	meet(part, "over");
}

/* The old connection's socket is closed before the next comes, or stays until all is over. */
static void serve_tuple(struct part *part, bool stays)
{
	int listener = make_listener(part);

	start_listening(part, listener);
	for (int i = 0; i < CYCLES; i++) {
		struct connection connection = accept_connection(part, listener, i);
		struct pollfd ended = { .fd = connection.fd };

		talk(&connection);
		expect_equal(part, "poll for a reset", poll(&ended, 1, 3000), 1);
		if (!stays)
			close(connection.fd);
		meet(part, "reset");
	}
	meet(part, "over");
}

static void tuple_reuse_server(struct part *part)
{
	serve_tuple(part, false);
}

#define tuple_reuse_stale_client tuple_reuse_client

static void tuple_reuse_stale_server(struct part *part)
{
	serve_tuple(part, true);
}

/* Until the last ACK has come the ports are taken. */
static void close_wholly(struct connection *connection)
{
	struct tcp_info info = { 0 };
	socklen_t length = sizeof(info);

	shutdown(connection->fd, SHUT_WR);
	for (int64_t end = now_ms() + 2000; info.tcpi_state != TCP_CLOSE; sleep_ms(1)) {
		getsockopt(connection->fd, IPPROTO_TCP, TCP_INFO, &info, &length);
		if (now_ms() > end)
			fail(connection->part, "state %u after both ends", info.tcpi_state);
	}
	close(connection->fd);
}

/* The server closes first, the client reads to the end: TIME_WAIT is at the server, and gives way. */
static void tuple_reuse_orderly_client(struct part *part)
{
	find_server(part);
	for (int i = 0; i < CYCLES; i++) {
		struct connection connection = connect_socket(part, bind_source(part), i);

		talk(&connection);
		receive_all(&connection, 0);
		close_wholly(&connection);
		meet(part, "closed");
	}
}

static void tuple_reuse_orderly_server(struct part *part)
{
	int listener = make_listener(part);

	start_listening(part, listener);
	for (int i = 0; i < CYCLES; i++) {
		struct connection connection = accept_connection(part, listener, i);

		talk(&connection);
		close(connection.fd);
		meet(part, "closed");
	}
}

static struct sockaddr_in loopback(int port)
{
	return (struct sockaddr_in){ .sin_family = AF_INET,
				     .sin_port = htons(port),
				     .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
}

/* One end of a connection of a Pod with itself. The ends take the roles of server and client by turns. */
static void run_loopback_end(struct connection connection, bool first)
{
	struct part *part = connection.part;

	part->is_server = first;
	warm_up(&connection);
	for (int i = 0; i < 100; i++) {
		send_stream(&connection, 500 + i);
		receive_stream(&connection, 500 + i);
	}
	_exit(0);
}

static int make_loopback_pair(struct part *part, int port, int *accepted)
{
	struct sockaddr_in server = loopback(port), client = loopback(port + 50);
	int listener = done(part, "socket", socket(AF_INET, SOCK_STREAM, 0));
	int fd = done(part, "socket", socket(AF_INET, SOCK_STREAM, 0));

	set_option(part, listener, SOL_SOCKET, SO_REUSEADDR, 1);
	set_option(part, fd, SOL_SOCKET, SO_REUSEADDR, 1);
	done(part, "bind", bind(listener, (void *)&server, sizeof(server)));
	done(part, "listen", listen(listener, 1));
	done(part, "bind", bind(fd, (void *)&client, sizeof(client)));
	done(part, "connect", connect(fd, (void *)&server, sizeof(server)));
	*accepted = done(part, "accept", accept(listener, NULL, NULL));
	close(listener);
	return fd;
}

/* In both Pods at once, each with itself, at the same addresses and ports. */
static void loopback_collision(struct part *part)
{
	uint64_t seed = part->seed * 4 + part->is_server * 2;
	int status;

	for (int i = 0; i < LOOPBACK_PAIRS; i++) {
		int ends[2];

		ends[0] = make_loopback_pair(part, LOOPBACK_PORT + i, &ends[1]);
		meet(part, "connected");
		for (int end = 0; end < 2; end++) {
			struct connection connection = make_connection(part, ends[end], i);

			set_non_blocking(part, ends[end], part->mode == EVENT_LOOP);
			connection.out.seed = seed + end;
			connection.in.seed = seed + !end;
			if (!fork())
				run_loopback_end(connection, end);
		}
		close(ends[0]);
		close(ends[1]);
	}
	for (int i = 0; i < 2 * LOOPBACK_PAIRS; i++) {
		done(part, "wait", wait(&status));
		expect_equal(part, "status of an end", status, 0);
	}
	meet(part, "over");
}

const struct check tuple_checks[] = {
	CHECK(tuple_reuse),
	CHECK(tuple_reuse_stale),
	CHECK(tuple_reuse_orderly),
	CHECK_OF_BOTH(loopback_collision),
	{},
};
