// SPDX-License-Identifier: Apache-2.0
/* Flags of single calls, and options that change what they do. */
#define _GNU_SOURCE
#include "battery.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/time.h>

/* Of linux/tcp.h, which cannot be had beside netinet/tcp.h. */
#ifndef TCP_INQ
#define TCP_INQ 36
#endif

/* Sends `length` bytes and waits until the server is done with them. */
static void send_and_meet(struct part *part, size_t length)
{
	struct connection connection = open_connection(part);

	send_stream(&connection, length);
	meet(part, "sent");
	meet(part, "read");
}

/* The same, once the server has set what it sets. */
static void send_after_set(struct part *part, size_t length)
{
	struct connection connection = open_connection(part);

	meet(part, "set");
	send_stream(&connection, length);
	meet(part, "sent");
	meet(part, "read");
}

/* Sent and acknowledged is not yet there: and FIONREAD is not what is checked here. */
#define ARRIVAL_MS 50

static void msg_peek_client(struct part *part)
{
	send_and_meet(part, 3000);
}

static void msg_peek_server(struct part *part)
{
	struct connection connection = open_connection(part);
	char bytes[4000];

	meet(part, "sent");
	await_unread(&connection, 3000);
	for (size_t length = 1; length < 4000; length += 1300) {
		struct stream ahead = connection.in;
		size_t wanted = length < 3000 ? length : 3000;

		expect_equal(part, "bytes peeked", receive(&connection, bytes, length, MSG_PEEK),
			     wanted);
		stream_check(part, &ahead, bytes, wanted);
	}
	await_unread(&connection, 3000);
	receive_stream(&connection, 3000);
	meet(part, "read");
}

static void msg_waitall_client(struct part *part)
{
	struct connection connection = open_connection(part);

	for (int i = 0; i < 10; i++) {
		send_stream(&connection, 1000);
		sleep_ms(5);
	}
	receive_stream(&connection, 1);
}

static void msg_waitall_server(struct part *part)
{
	struct connection connection = open_connection(part);
	char bytes[10000];

	expect_equal(part, "recv with MSG_WAITALL",
		     receive(&connection, bytes, sizeof(bytes), MSG_WAITALL), sizeof(bytes));
	stream_check(part, &connection.in, bytes, sizeof(bytes));
	send_stream(&connection, 1);
}

/* Requests and answers of a length that is known, each read with MSG_WAITALL. */
static void msg_waitall_rpc_client(struct part *part)
{
	struct connection connection = open_connection(part);
	struct stream sizes = make_series(part, 1);
	char bytes[70000];

	for (unsigned int i = 0; i < part->rounds; i++) {
		size_t size = 9 + next_below(&sizes, 65000);

		send_stream(&connection, 8);
		expect_equal(part, "recv with MSG_WAITALL",
			     receive(&connection, bytes, size, MSG_WAITALL), size);
		stream_check(part, &connection.in, bytes, size);
	}
}

static void msg_waitall_rpc_server(struct part *part)
{
	struct connection connection = open_connection(part);
	struct stream sizes = make_series(part, 1);

	for (unsigned int i = 0; i < part->rounds; i++) {
		size_t size = 9 + next_below(&sizes, 65000);

		receive_stream(&connection, 8);
		send_stream(&connection, 8);
		send_stream(&connection, size - 8);
	}
}

static void msg_trunc_client(struct part *part)
{
	send_and_meet(part, 5000);
}

/* Throws bytes away unread (tcp(7)). */
static void msg_trunc_server(struct part *part)
{
	struct connection connection = open_connection(part);

	meet(part, "sent");
	await_unread(&connection, 5000);
	expect_equal(part, "recv with MSG_TRUNC", receive(&connection, NULL, 2000, MSG_TRUNC),
		     2000);
	connection.in.offset += 2000;
	receive_stream(&connection, 3000);
	meet(part, "read");
}

static void msg_dontwait_client(struct part *part)
{
	struct connection connection = open_connection(part);

	meet(part, "empty");
	send_stream(&connection, 500);
	meet(part, "sent");
	meet(part, "read");
}

static void msg_dontwait_server(struct part *part)
{
	struct connection connection = open_connection(part);
	char bytes[1000];

	expect_errno(part, "recv of nothing", recv(connection.fd, bytes, 1000, MSG_DONTWAIT),
		     EAGAIN);
	meet(part, "empty");
	meet(part, "sent");
	await_unread(&connection, 500);
	expect_equal(part, "recv with MSG_DONTWAIT", recv(connection.fd, bytes, 1000, MSG_DONTWAIT),
		     500);
	stream_check(part, &connection.in, bytes, 500);
	expect_errno(part, "recv of nothing", recv(connection.fd, bytes, 1000, MSG_DONTWAIT),
		     EAGAIN);
	meet(part, "read");
}

static void msg_more_client(struct part *part)
{
	struct connection connection = open_connection(part);
	char bytes[100];

	for (int i = 0; i < 100; i++) {
		stream_read(&connection.out, bytes, sizeof(bytes));
		expect_equal(part, "send with MSG_MORE",
			     transmit(&connection, bytes, sizeof(bytes), i < 99 ? MSG_MORE : 0),
			     sizeof(bytes));
	}
	receive_stream(&connection, 1);
}

static void msg_more_server(struct part *part)
{
	struct connection connection = open_connection(part);

	receive_stream(&connection, 10000);
	send_stream(&connection, 1);
}

static void so_rcvlowat_client(struct part *part)
{
	struct connection connection = open_connection(part);

	meet(part, "set");
	send_stream(&connection, 600);
	meet(part, "too few");
	meet(part, "seen");
	send_stream(&connection, 600);
	meet(part, "read");
}

static void so_rcvlowat_server(struct part *part)
{
	struct connection connection = open_connection(part);
	struct pollfd readable = { .fd = connection.fd, .events = POLLIN };
	char bytes[2000];

	set_option(part, connection.fd, SOL_SOCKET, SO_RCVLOWAT, 1000);
	meet(part, "set");
	meet(part, "too few");
	expect_equal(part, "poll below SO_RCVLOWAT", poll(&readable, 1, 50), 0);
	meet(part, "seen");
	expect_equal(part, "poll at SO_RCVLOWAT", poll(&readable, 1, 3000), 1);
	expect_equal(part, "recv with SO_RCVLOWAT", receive(&connection, bytes, 2000, 0), 1200);
	stream_check(part, &connection.in, bytes, 1200);
	meet(part, "read");
}

static void so_rcvtimeo_client(struct part *part)
{
	struct connection connection = open_connection(part);

	meet(part, "timed out");
	send_stream(&connection, 100);
	meet(part, "read");
}

static void so_rcvtimeo_server(struct part *part)
{
	struct connection connection = open_connection(part);
	struct timeval limit = { .tv_usec = 100000 };
	int64_t start = now_ms();
	char byte;

	setsockopt(connection.fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	expect_errno(part, "recv with SO_RCVTIMEO", recv(connection.fd, &byte, 1, 0), EAGAIN);
	if (now_ms() - start < 90)
		fail(part, "SO_RCVTIMEO of 100 ms has passed after %ld ms", now_ms() - start);
	meet(part, "timed out");
	receive_stream(&connection, 100);
	meet(part, "read");
}

static void tcp_inq_cmsg_client(struct part *part)
{
	send_after_set(part, 1000);
}

static void tcp_inq_cmsg_server(struct part *part)
{
	struct connection connection = open_connection(part);
	char bytes[100], space[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec text = { bytes, sizeof(bytes) };
	struct msghdr message = { .msg_iov = &text,
				  .msg_iovlen = 1,
				  .msg_control = space,
				  .msg_controllen = sizeof(space) };
	int left = -1;

	set_option(part, connection.fd, IPPROTO_TCP, TCP_INQ, 1);
	meet(part, "set");
	meet(part, "sent");
	sleep_ms(ARRIVAL_MS);
	expect_equal(part, "recvmsg", recvmsg(connection.fd, &message, 0), 100);
	if (!CMSG_FIRSTHDR(&message))
		fail(part, "recvmsg does not tell what is left (TCP_INQ)");
	memcpy(&left, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(left));
	expect_equal(part, "TCP_INQ", left, 900);
	meet(part, "read");
}

static void so_timestamp_client(struct part *part)
{
	send_after_set(part, 1000);
}

static void so_timestamp_server(struct part *part)
{
	struct connection connection = open_connection(part);
	char bytes[1000], space[CMSG_SPACE(sizeof(struct timeval))] = { 0 };
	struct iovec text = { bytes, sizeof(bytes) };
	struct msghdr message = { .msg_iov = &text,
				  .msg_iovlen = 1,
				  .msg_control = space,
				  .msg_controllen = sizeof(space) };

	set_option(part, connection.fd, SOL_SOCKET, SO_TIMESTAMP, 1);
	/* The kernel begins to take the time somewhat later, if nobody had asked for it. */
	sleep_ms(ARRIVAL_MS);
	meet(part, "set");
	meet(part, "sent");
	sleep_ms(ARRIVAL_MS);
	expect_equal(part, "recvmsg", recvmsg(connection.fd, &message, 0), 1000);
	if (!CMSG_FIRSTHDR(&message))
		fail(part, "recvmsg does not tell when it came (SO_TIMESTAMP)");
	meet(part, "read");
}

static void so_peek_off_client(struct part *part)
{
	send_after_set(part, 1000);
}

static void so_peek_off_server(struct part *part)
{
	struct connection connection = open_connection(part);
	struct stream ahead = connection.in;
	char bytes[300];
	int from = 0;

	if (setsockopt(connection.fd, SOL_SOCKET, SO_PEEK_OFF, &from, sizeof(from)))
		saw(part, "SO_PEEK_OFF %s", strerrorname_np(errno));
	meet(part, "set");
	meet(part, "sent");
	sleep_ms(ARRIVAL_MS);
	for (int i = 0; i < 2; i++) {
		expect_equal(part, "bytes peeked", receive(&connection, bytes, 300, MSG_PEEK), 300);
		stream_check(part, &ahead, bytes, 300);
	}
	receive_stream(&connection, 1000);
	meet(part, "read");
}

const struct check flags_checks[] = {
	CHECK(msg_peek),    CHECK_BLOCKING(msg_waitall), CHECK_BLOCKING(msg_waitall_rpc),
	CHECK(msg_trunc),   CHECK(msg_dontwait),	 CHECK(msg_more),
	CHECK(so_rcvlowat), CHECK_BLOCKING(so_rcvtimeo), CHECK(tcp_inq_cmsg),
	CHECK(so_peek_off), CHECK(so_timestamp),	 {},
};
