// SPDX-License-Identifier: Apache-2.0
/* What the kernel tells of a connection: what waits in it, and what has gone over it. */
#define _GNU_SOURCE
#include "battery.h"

#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>

static void fionread_client(struct part *part)
{
	struct connection connection = open_connection(part);

	meet(part, "open");
	for (int i = 0; i < 5; i++) {
		send_stream(&connection, 1000);
		meet(part, "counted");
	}
}

/* Bytes of several messages, some of them read. */
static void fionread_server(struct part *part)
{
	struct connection connection = open_connection(part);

	expect_equal(part, "FIONREAD of nothing", bytes_unread(&connection), 0);
	meet(part, "open");
	for (int i = 0; i < 5; i++) {
		await_unread(&connection, 1000 + i * 700);
		receive_stream(&connection, 300);
		expect_equal(part, "FIONREAD of the rest", bytes_unread(&connection),
			     (i + 1) * 700);
		meet(part, "counted");
	}
}

static void fionread_mixed_client(struct part *part)
{
	struct connection connection = open_connection(part);

	for (int i = 0; i < 3; i++) {
		meet(part, "may send");
		send_stream(&connection, 1000);
	}
	meet(part, "counted");
}

/* Redirected or not: a low-water mark is none of those options that allow it. */
static void fionread_mixed_server(struct part *part)
{
	struct connection connection = open_connection(part);

	set_option(part, connection.fd, SOL_SOCKET, SO_RCVLOWAT, 2);
	meet(part, "may send");
	await_unread(&connection, 1000);
	receive_stream(&connection, 1000);
	set_option(part, connection.fd, SOL_SOCKET, SO_RCVLOWAT, 1);
	meet(part, "may send");
	await_unread(&connection, 1000);
	set_option(part, connection.fd, SOL_SOCKET, SO_RCVLOWAT, 2);
	meet(part, "may send");
	await_unread(&connection, 2000);
	receive_stream(&connection, 2000);
	meet(part, "counted");
}

static int bytes_queued(struct connection *connection, int request)
{
	int queued = -1;

	done(connection->part, "SIOCOUTQ", ioctl(connection->fd, request, &queued));
	return queued;
}

/* What waits for the reader may wait at either end, and is told at the writer's. */
static void siocoutq_client(struct part *part)
{
	struct connection connection = open_connection(part);
	size_t taken = send_until_full(&connection, 10 * MB);
	int queued = bytes_queued(&connection, SIOCOUTQ);
	int unsent = bytes_queued(&connection, SIOCOUTQNSD);

	if (queued <= 0 || (size_t)queued > taken)
		fail(part, "SIOCOUTQ is %d with %zu bytes unread", queued, taken);
	if (unsent <= 0 || unsent > queued)
		fail(part, "SIOCOUTQNSD is %d with SIOCOUTQ %d", unsent, queued);
	tell(part, taken);
	receive_stream(&connection, 1);
	for (int64_t end = now_ms() + 2000; queued && now_ms() < end; sleep_ms(1))
		queued = bytes_queued(&connection, SIOCOUTQ);
	expect_equal(part, "SIOCOUTQ when all is read", queued, 0);
}

static void siocoutq_server(struct part *part)
{
	struct connection connection = open_connection(part);

	receive_stream(&connection, hear(part));
	send_stream(&connection, 1);
	receive_all(&connection, 0);
}

static struct tcp_info info_of(struct connection *connection)
{
	struct tcp_info info = { 0 };
	socklen_t length = sizeof(info);

	done(connection->part, "TCP_INFO",
	     getsockopt(connection->fd, IPPROTO_TCP, TCP_INFO, &info, &length));
	return info;
}

/* The sums do not depend on how the bytes were cut into packets. */
static void tcp_info_bytes(struct part *part)
{
	struct connection connection = open_connection(part);
	struct tcp_info before = info_of(&connection), info = before;

	for (int i = 0; i < 20; i++) {
		send_stream(&connection, 1000);
		receive_stream(&connection, 1000);
	}
	meet(part, "exchanged");
	for (int64_t end = now_ms() + 500; now_ms() < end; sleep_ms(1)) {
		info = info_of(&connection);
		if (info.tcpi_bytes_acked >= before.tcpi_bytes_acked + 20000 && !info.tcpi_unacked)
			break;
	}
	saw(part, "%s: acked %llu, received %llu, state %u", part->is_server ? "server" : "client",
	    info.tcpi_bytes_acked, info.tcpi_bytes_received, info.tcpi_state);
	meet(part, "seen");
}

static void so_error_client(struct part *part)
{
	struct connection connection = open_connection(part);
	struct pollfd ended = { .fd = connection.fd };
	socklen_t length = sizeof(int);
	int error = -1;

	meet(part, "open");
	meet(part, "reset");
	expect_equal(part, "poll", poll(&ended, 1, 2000), 1);
	for (int i = 0; i < 2; i++) {
		getsockopt(connection.fd, SOL_SOCKET, SO_ERROR, &error, &length);
		expect_equal(part, "SO_ERROR", error, i ? 0 : ECONNRESET);
	}
}

static void so_error_server(struct part *part)
{
	struct connection connection = open_connection(part);

	/* A connect() that has not returned would tell of it. */
	meet(part, "open");
	reset(&connection);
	meet(part, "reset");
}

/* Wakes the writer only when less than so much waits to be sent. */
static void notsent_lowat_client(struct part *part)
{
	struct connection connection = open_connection(part);
	struct pollfd writable = { .fd = connection.fd, .events = POLLOUT };
	size_t taken;

	set_option(part, connection.fd, IPPROTO_TCP, TCP_NOTSENT_LOWAT, 16 * KB);
	taken = send_until_full(&connection, 10 * MB);
	if (taken >= 10 * MB)
		fail(part, "%zu bytes were taken for a reader that does not read", taken);
	if (bytes_queued(&connection, SIOCOUTQNSD) < 16 * (int)KB)
		fail(part, "not writable with %d bytes unsent",
		     bytes_queued(&connection, SIOCOUTQNSD));
	tell(part, taken);
	expect_equal(part, "poll for room", poll(&writable, 1, 3000), 1);
	receive_stream(&connection, 1);
}

#define notsent_lowat_server siocoutq_server

const struct check counters_checks[] = {
	CHECK(fionread),
	CHECK(fionread_mixed),
	CHECK(siocoutq),
	CHECK_OF_BOTH(tcp_info_bytes),
	CHECK(so_error),
	CHECK(notsent_lowat),
	{},
};
