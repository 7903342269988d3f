// SPDX-License-Identifier: Apache-2.0
/* Sockets that are used by way of an io_uring. */
#define _GNU_SOURCE
#include "ring.h"

#define ROUNDS 40
#define BUFFERS 8
#define BUFFER_BYTES 4096

static void expect_result(struct part *part, const char *what, int result, int wanted)
{
	if (result < 0)
		fail(part, "%s: %s", what, strerrorname_np(-result));
	if (wanted >= 0)
		expect_equal(part, what, result, wanted);
}

static void ring_receive(struct ring *ring, struct connection *connection, size_t length)
{
	char bytes[8 * KB];

	while (length) {
		struct io_uring_cqe completion;

		ring_entry(ring, IORING_OP_RECV, connection->fd, bytes,
			   length < sizeof(bytes) ? length : sizeof(bytes));
		ring_submit(ring);
		completion = ring_wait(ring);
		expect_result(ring->part, "recv of an io_uring", completion.res, -1);
		if (!completion.res)
			fail(ring->part, "end of the stream, %zu bytes too early", length);
		stream_check(ring->part, &connection->in, bytes, completion.res);
		length -= completion.res;
	}
}

static void ring_send(struct ring *ring, struct connection *connection, size_t length)
{
	char bytes[8 * KB];

	stream_read(&connection->out, bytes, length);
	ring_entry(ring, IORING_OP_SEND, connection->fd, bytes, length)->msg_flags = MSG_WAITALL;
	ring_submit(ring);
	expect_result(ring->part, "send of an io_uring", ring_wait(ring).res, length);
}

/* Both ends, in turns. The reader waits in the kernel before there is anything. */
static void io_uring_turns(struct part *part)
{
	struct connection connection = open_connection(part);
	struct ring ring = make_ring(part);

	for (int i = 0; i < ROUNDS; i++) {
		if (part->is_server)
			ring_receive(&ring, &connection, 100 + i * 100);
		ring_send(&ring, &connection, 100 + i * 100);
		if (!part->is_server)
			ring_receive(&ring, &connection, 100 + i * 100);
	}
}

static void many_messages_client(struct part *part)
{
	struct connection connection = open_connection(part);

	for (int i = 0; i < ROUNDS; i++) {
		send_stream(&connection, 3000);
		receive_stream(&connection, 1);
	}
	close(connection.fd);
	meet(part, "over");
}

#define io_uring_multishot_client many_messages_client
#define io_uring_poll_client many_messages_client

/* One request for all that comes, into buffers that the ring picks. */
static void io_uring_multishot_server(struct part *part)
{
	static char buffers[BUFFERS][BUFFER_BYTES];
	struct connection connection = open_connection(part);
	struct ring ring = make_ring(part);
	struct io_uring_cqe completion = { 0 };

	ring_entry(&ring, IORING_OP_PROVIDE_BUFFERS, BUFFERS, buffers, BUFFER_BYTES);
	ring_submit(&ring);
	expect_result(part, "buffers of an io_uring", ring_wait(&ring).res, -1);
	for (size_t total = 0;;) {
		struct io_uring_sqe *entry;
		int buffer;

		if (!(completion.flags & IORING_CQE_F_MORE)) {
			entry = ring_entry(&ring, IORING_OP_RECV, connection.fd, NULL, 0);
			entry->ioprio = IORING_RECV_MULTISHOT;
			entry->flags = IOSQE_BUFFER_SELECT;
			ring_submit(&ring);
		}
		completion = ring_wait(&ring);
		expect_result(part, "recv of an io_uring", completion.res, -1);
		if (!completion.res) {
			expect_equal(part, "bytes until the end", total, ROUNDS * 3000);
			break;
		}
		buffer = completion.flags >> IORING_CQE_BUFFER_SHIFT;
		stream_check(part, &connection.in, buffers[buffer], completion.res);
		for (size_t end = total + completion.res; total < end; total++)
			if (total % 3000 == 2999)
				send_stream(&connection, 1);
		entry = ring_entry(&ring, IORING_OP_PROVIDE_BUFFERS, 1, buffers[buffer],
				   BUFFER_BYTES);
		entry->off = buffer;
		entry->flags = IOSQE_CQE_SKIP_SUCCESS;
		ring_submit(&ring);
	}
	meet(part, "over");
}

static void io_uring_poll_server(struct part *part)
{
	struct connection connection = open_connection(part);
	struct ring ring = make_ring(part);

	for (int i = 0; i < ROUNDS; i++) {
		ring_entry(&ring, IORING_OP_POLL_ADD, connection.fd, NULL, 0)->poll32_events =
			POLLIN;
		ring_submit(&ring);
		expect_equal(part, "poll of an io_uring", ring_wait(&ring).res & POLLIN, POLLIN);
		receive_stream(&connection, 3000);
		send_stream(&connection, 1);
	}
	receive_all(&connection, 0);
	meet(part, "over");
}

/* A request that was there before the data, and a writer that takes its time. */
static void io_uring_pending_client(struct part *part)
{
	struct connection connection = open_connection(part);

	for (int i = 0; i < 4; i++) {
		meet(part, "pending");
		sleep_ms(10);
		send_stream(&connection, 1000);
	}
	meet(part, "over");
}

static void io_uring_pending_server(struct part *part)
{
	struct connection connection = open_connection(part);
	struct ring ring = make_ring(part);
	char bytes[2000];

	for (int i = 0; i < 4; i++) {
		ring_entry(&ring, IORING_OP_RECV, connection.fd, bytes, sizeof(bytes));
		ring_submit(&ring);
		if (ring_has_completion(&ring))
			fail(part, "recv of an io_uring does not wait");
		meet(part, "pending");
		expect_result(part, "recv of an io_uring", ring_wait(&ring).res, 1000);
		stream_check(part, &connection.in, bytes, 1000);
	}
	meet(part, "over");
}

static void io_uring_send_zc_client(struct part *part)
{
	struct connection connection = open_connection(part);
	struct ring ring = make_ring(part);
	static char bytes[ROUNDS][5000];

	for (int i = 0; i < ROUNDS; i++) {
		struct io_uring_cqe completion;

		stream_read(&connection.out, bytes[i], sizeof(bytes[i]));
		ring_entry(&ring, IORING_OP_SEND_ZC, connection.fd, bytes[i], sizeof(bytes[i]))
			->msg_flags = MSG_WAITALL;
		ring_submit(&ring);
		completion = ring_wait(&ring);
		expect_result(part, "zero-copy send of an io_uring", completion.res,
			      sizeof(bytes[i]));
		receive_stream(&connection, 1);
		if (completion.flags & IORING_CQE_F_MORE)
			expect_equal(part, "notification",
				     ring_wait(&ring).flags & IORING_CQE_F_NOTIF,
				     IORING_CQE_F_NOTIF);
	}
}

static void io_uring_send_zc_server(struct part *part)
{
	struct connection connection = open_connection(part);

	for (int i = 0; i < ROUNDS; i++) {
		receive_stream(&connection, 5000);
		send_stream(&connection, 1);
	}
}

const struct check uring_checks[] = {
	CHECK_OF_BOTH(io_uring_turns), CHECK(io_uring_multishot), CHECK(io_uring_poll),
	CHECK(io_uring_pending),       CHECK(io_uring_send_zc),	  {},
};
