// SPDX-License-Identifier: Apache-2.0
/* splice, tee and vmsplice: bytes that go past the application. */
#define _GNU_SOURCE
#include "battery.h"

#include <fcntl.h>
#include <sys/epoll.h>
#include <sys/uio.h>

#define SPLICE_BYTES (600 * KB)

/* What the pipe holds are the next bytes of the stream. */
static void check_pipe(struct connection *connection, int from, size_t length)
{
	char bytes[16 * KB];

	while (length) {
		size_t size = length < sizeof(bytes) ? length : sizeof(bytes);
		ssize_t got = done(connection->part, "read of a pipe", read(from, bytes, size));

		stream_check(connection->part, &connection->in, bytes, got);
		length -= got;
	}
}

static void send_to_splicer(struct part *part)
{
	struct connection connection = open_connection(part);

	for (size_t sent = 0; sent < SPLICE_BYTES; sent += 10 * KB) {
		send_stream(&connection, 10 * KB);
		if (sent % (100 * KB) == 0)
			sleep_ms(3);
	}
	close(connection.fd);
	meet(part, "read");
}

#define splice_from_socket_client send_to_splicer
#define splice_from_socket_et_client send_to_splicer
#define splice_after_read_client send_to_splicer

static size_t splice_to_end(struct connection *connection)
{
	struct part *part = connection->part;
	size_t total = 0;
	int pipes[2];

	done(part, "pipe", pipe(pipes));
	for (;;) {
		ssize_t got;

		await_events(connection, POLLIN);
		got = splice(connection->fd, NULL, pipes[1], NULL, 32 * KB, SPLICE_F_MOVE);
		if (got < 0 && errno == EAGAIN && part->mode == EVENT_LOOP)
			continue;
		if (!done(part, "splice", got))
			return total;
		check_pipe(connection, pipes[0], got);
		total += got;
	}
}

static void splice_from_socket_server(struct part *part)
{
	struct connection connection = open_connection(part);

	expect_equal(part, "bytes spliced", splice_to_end(&connection), SPLICE_BYTES);
	meet(part, "read");
}

/* A head is read, the rest is spliced, as proxies do. */
static void splice_after_read_server(struct part *part)
{
	struct connection connection = open_connection(part);

	for (int i = 0; i < 12; i++)
		receive_stream(&connection, 1000);
	expect_equal(part, "bytes spliced", splice_to_end(&connection), SPLICE_BYTES - 12000);
	meet(part, "read");
}

/* As Go does it: splice until EAGAIN, then wait for an edge. */
static void splice_from_socket_et_server(struct part *part)
{
	struct connection connection = open_connection(part);
	struct epoll_event event = { .events = EPOLLIN | EPOLLRDHUP | EPOLLET };
	int epoll = epoll_create1(EPOLL_CLOEXEC), pipes[2];
	size_t total = 0;

	set_non_blocking(part, connection.fd, true);
	done(part, "epoll_ctl", epoll_ctl(epoll, EPOLL_CTL_ADD, connection.fd, &event));
	done(part, "pipe", pipe(pipes));
	for (;;) {
		ssize_t got =
			splice(connection.fd, NULL, pipes[1], NULL, 32 * KB, SPLICE_F_NONBLOCK);

		if (got < 0 && errno == EAGAIN) {
			if (!epoll_wait(epoll, &event, 1, 3000))
				fail(part, "no event within 3 s, after %zu bytes", total);
			continue;
		}
		if (!done(part, "splice", got))
			break;
		check_pipe(&connection, pipes[0], got);
		total += got;
	}
	expect_equal(part, "bytes spliced", total, SPLICE_BYTES);
	meet(part, "read");
}

static void splice_pipe(struct connection *connection, int from, size_t length)
{
	while (length) {
		ssize_t moved;

		await_events(connection, POLLOUT);
		moved = splice(from, NULL, connection->fd, NULL, length,
			       SPLICE_F_MORE * (length > 4 * KB));
		if (moved < 0 && errno == EAGAIN && connection->part->mode == EVENT_LOOP)
			continue;
		length -= done(connection->part, "splice", moved);
	}
}

static void splice_to_socket_client(struct part *part)
{
	struct connection connection = open_connection(part);
	char bytes[16 * KB];
	int pipes[2];

	done(part, "pipe", pipe(pipes));
	for (size_t sent = 0; sent < SPLICE_BYTES; sent += 12 * KB) {
		stream_read(&connection.out, bytes, 12 * KB);
		done(part, "write", write(pipes[1], bytes, 12 * KB));
		splice_pipe(&connection, pipes[0], 12 * KB);
	}
	close(connection.fd);
}

static void vmsplice_to_socket_client(struct part *part)
{
	struct connection connection = open_connection(part);
	static char bytes[SPLICE_BYTES];
	int pipes[2];

	done(part, "pipe", pipe(pipes));
	for (size_t sent = 0; sent < SPLICE_BYTES; sent += 12 * KB) {
		struct iovec part_of_it = { bytes + sent, 12 * KB };

		stream_read(&connection.out, bytes + sent, 12 * KB);
		expect_equal(part, "vmsplice", vmsplice(pipes[1], &part_of_it, 1, 0), 12 * KB);
		splice_pipe(&connection, pipes[0], 12 * KB);
	}
	done(part, "shutdown", shutdown(connection.fd, SHUT_WR));
	/* The pages are the receiver's until it has read them. */
	receive_to_end(&connection);
}

static void read_all_server(struct part *part)
{
	struct connection connection = open_connection(part);

	receive_all(&connection, SPLICE_BYTES);
}

#define splice_to_socket_server read_all_server
#define vmsplice_to_socket_server read_all_server

const struct check splice_checks[] = {
	CHECK(splice_from_socket), CHECK(splice_from_socket_et), CHECK(splice_after_read),
	CHECK(splice_to_socket),   CHECK(vmsplice_to_socket),	 {},
};
