// SPDX-License-Identifier: Apache-2.0
/* Connections between the two parts of a check: what goes over them. */
#define _GNU_SOURCE
#include "battery.h"

#include <stdlib.h>
#include <sys/ioctl.h>

#define PIECE_BYTES (64 * KB)

void await_events(struct connection *connection, short events)
{
	struct pollfd waiting = { .fd = connection->fd, .events = events };

	if (connection->part->mode == EVENT_LOOP)
		while (poll(&waiting, 1, -1) < 0 && errno == EINTR)
			;
}

ssize_t receive(struct connection *connection, void *bytes, size_t length, int flags)
{
	ssize_t result;

	do {
		await_events(connection, POLLIN);
		result = recv(connection->fd, bytes, length, flags);
	} while (result < 0 && errno == EAGAIN && connection->part->mode == EVENT_LOOP);
	return result;
}

ssize_t transmit(struct connection *connection, const void *bytes, size_t length, int flags)
{
	/* As event loops do: send first, wait only if nothing is taken. */
	for (;;) {
		ssize_t result = send(connection->fd, bytes, length, flags | MSG_NOSIGNAL);

		if (result >= 0 || errno != EAGAIN || flags & MSG_DONTWAIT ||
		    connection->part->mode != EVENT_LOOP)
			return result;
		await_events(connection, POLLOUT);
	}
}

void send_stream(struct connection *connection, size_t length)
{
	char *bytes = malloc(length);
	size_t sent = 0;

	stream_read(&connection->out, bytes, length);
	while (sent < length)
		sent += done(connection->part, "send",
			     transmit(connection, bytes + sent, length - sent, 0));
	free(bytes);
}

void receive_stream(struct connection *connection, size_t length)
{
	char bytes[PIECE_BYTES];

	while (length) {
		ssize_t got = receive(connection, bytes,
				      length < sizeof(bytes) ? length : sizeof(bytes), 0);

		done(connection->part, "recv", got);
		if (!got)
			fail(connection->part, "end of the stream at byte %lu, %zu too early",
			     connection->in.offset, length);
		stream_check(connection->part, &connection->in, bytes, got);
		length -= got;
	}
}

size_t receive_to_end(struct connection *connection)
{
	char bytes[PIECE_BYTES];
	size_t total = 0;
	ssize_t got;

	while ((got = done(connection->part, "recv",
			   receive(connection, bytes, sizeof(bytes), 0)))) {
		stream_check(connection->part, &connection->in, bytes, got);
		total += got;
	}
	return total;
}

void receive_all(struct connection *connection, size_t length)
{
	expect_equal(connection->part, "bytes until the end", receive_to_end(connection), length);
}

ssize_t send_next(struct connection *connection, int flags)
{
	struct stream ahead = connection->out;
	char bytes[PIECE_BYTES];
	ssize_t sent;

	stream_read(&ahead, bytes, sizeof(bytes));
	sent = transmit(connection, bytes, sizeof(bytes), flags);
	if (sent > 0)
		connection->out.offset += sent;
	return sent;
}

size_t send_until_full(struct connection *connection, size_t limit)
{
	struct pollfd waiting = { .fd = connection->fd, .events = POLLOUT };
	uint64_t start = connection->out.offset;

	while (connection->out.offset - start < limit) {
		ssize_t sent = send_next(connection, MSG_DONTWAIT);

		if (sent >= 0)
			continue;
		expect_errno(connection->part, "send", sent, EAGAIN);
		if (!poll(&waiting, 1, 100))
			break;
	}
	return connection->out.offset - start;
}

int bytes_unread(struct connection *connection)
{
	int unread = -1;

	done(connection->part, "FIONREAD", ioctl(connection->fd, FIONREAD, &unread));
	return unread;
}

void await_unread(struct connection *connection, int bytes)
{
	int unread;

	for (int64_t end = now_ms() + 2000; (unread = bytes_unread(connection)) != bytes;) {
		if (now_ms() > end)
			fail(connection->part, "FIONREAD: %d instead of %d", unread, bytes);
		sleep_ms(1);
	}
}

void reset(struct connection *connection)
{
	struct linger linger = { .l_onoff = 1 };

	setsockopt(connection->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close(connection->fd);
}
