// SPDX-License-Identifier: Apache-2.0
/* A reader that does not read: what is sent to it is bounded, and all of it arrives in the end. */
#define _GNU_SOURCE
#include "battery.h"

/* Plain TCP takes 8 MB at most: the largest send and receive buffers, as battery.ts sets them. */
#define TAKEN_MAX (10 * MB)
#define BIG_BYTES (24 * MB)

static void refuse_if_boundless(struct part *part, size_t taken)
{
	if (taken >= TAKEN_MAX)
		fail(part, "%zu bytes were taken for a reader that does not read", taken);
}

/* The server reads so much when the client has filled the connection, and then to the end. */
static void drain_server(struct part *part)
{
	struct connection connection = open_connection(part);

	meet(part, "full");
	receive_stream(&connection, hear(part));
	send_stream(&connection, 1);
	receive_to_end(&connection);
}

static void backpressure_nonblock_client(struct part *part)
{
	struct connection connection = open_connection(part);
	struct pollfd writable = { .fd = connection.fd, .events = POLLOUT };
	size_t taken = send_until_full(&connection, TAKEN_MAX);

	refuse_if_boundless(part, taken);
	meet(part, "full");
	tell(part, taken + 100 * KB);
	expect_equal(part, "poll for room", poll(&writable, 1, 5000), 1);
	send_stream(&connection, 100 * KB);
	receive_stream(&connection, 1);
}

#define backpressure_nonblock_server drain_server

struct progress {
	struct connection *connection;
	volatile size_t sent;
};

static void *send_in_pieces(void *argument)
{
	struct progress *progress = argument;

	while (progress->sent < BIG_BYTES) {
		send_stream(progress->connection, 32 * KB);
		progress->sent += 32 * KB;
	}
	return NULL;
}

static void backpressure_block_client(struct part *part)
{
	struct connection connection = open_connection(part);
	struct progress progress = { .connection = &connection };
	pthread_t sender;
	size_t before;

	start_thread(part, &sender, send_in_pieces, &progress);
	do {
		before = progress.sent;
		sleep_ms(100);
		refuse_if_boundless(part, progress.sent);
	} while (progress.sent != before);
	meet(part, "full");
	tell(part, BIG_BYTES);
	receive_stream(&connection, 1);
	pthread_join(sender, NULL);
}

#define backpressure_block_server drain_server

static void set_small_buffers(struct part *part, int fd)
{
	set_option(part, fd, SOL_SOCKET, SO_SNDBUF, 4096);
	set_option(part, fd, SOL_SOCKET, SO_RCVBUF, 4096);
}

static void backpressure_smallbuf_client(struct part *part)
{
	struct connection connection;
	int fd = make_socket(part);
	size_t taken;

	set_small_buffers(part, fd);
	find_server(part);
	connection = connect_socket(part, fd, 0);
	warm_up(&connection);
	taken = send_until_full(&connection, 256 * KB);
	if (taken >= 256 * KB)
		fail(part, "%zu bytes were taken with buffers of 4 KB", taken);
	meet(part, "full");
	tell(part, taken + 100 * KB);
	send_stream(&connection, 100 * KB);
	receive_stream(&connection, 1);
}

static void backpressure_smallbuf_server(struct part *part)
{
	struct connection connection;
	int listener = make_listener(part);

	set_small_buffers(part, listener);
	start_listening(part, listener);
	connection = accept_connection(part, listener, 0);
	warm_up(&connection);
	meet(part, "full");
	receive_stream(&connection, hear(part));
	send_stream(&connection, 1);
}

/* Full and empty, several times over, in both directions. */
static void backpressure_again(struct part *part)
{
	struct connection connection = open_connection(part);

	for (int round = 0; round < 4; round++) {
		bool writes = part->is_server == round % 2;
		size_t taken = writes ? send_until_full(&connection, TAKEN_MAX) : 0;

		refuse_if_boundless(part, taken);
		meet(part, "full");
		if (writes) {
			tell(part, taken);
			receive_stream(&connection, 3);
		} else {
			receive_stream(&connection, hear(part));
			send_stream(&connection, 3);
		}
	}
}

static void big_send_client(struct part *part)
{
	struct connection connection = open_connection(part);

	send_stream(&connection, BIG_BYTES);
	done(part, "shutdown", shutdown(connection.fd, SHUT_WR));
	receive_all(&connection, 10);
}

static void big_send_server(struct part *part)
{
	struct connection connection = open_connection(part);

	receive_all(&connection, BIG_BYTES);
	send_stream(&connection, 10);
}

static void slow_reader_client(struct part *part)
{
	struct connection connection = open_connection(part);

	for (int i = 0; i < 64; i++)
		send_stream(&connection, 64 * KB);
	close(connection.fd);
}

static void slow_reader_server(struct part *part)
{
	struct connection connection = open_connection(part);

	for (size_t left = 4 * MB; left; left -= 128 * KB) {
		receive_stream(&connection, 128 * KB - 999);
		sleep_ms(3);
		receive_stream(&connection, 999);
	}
	receive_all(&connection, 0);
}

static void so_sndtimeo_client(struct part *part)
{
	struct connection connection = open_connection(part);
	struct timeval limit = { .tv_usec = 100000 };
	uint64_t before = connection.out.offset;
	int64_t start;
	ssize_t sent;

	setsockopt(connection.fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	do {
		refuse_if_boundless(part, connection.out.offset - before);
		start = now_ms();
		sent = send_next(&connection, 0);
	} while (sent > 0);
	expect_errno(part, "send to a full connection", sent, EAGAIN);
	if (now_ms() - start < 90)
		fail(part, "SO_SNDTIMEO of 100 ms has passed after %ld ms", now_ms() - start);
	meet(part, "full");
	tell(part, connection.out.offset - before);
	receive_stream(&connection, 1);
}

#define so_sndtimeo_server drain_server

const struct check pressure_checks[] = {
	CHECK(backpressure_nonblock),
	CHECK(backpressure_block),
	CHECK(backpressure_smallbuf),
	CHECK_OF_BOTH(backpressure_again),
	CHECK(big_send),
	CHECK(slow_reader),
	CHECK_BLOCKING(so_sndtimeo),
	{},
};
