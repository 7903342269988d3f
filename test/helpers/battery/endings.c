// SPDX-License-Identifier: Apache-2.0
/* How connections end: in order, in halves, and by RST. */
#define _GNU_SOURCE
#include "battery.h"

static void half_close_client(struct part *part)
{
	struct connection connection = open_connection(part);
	char byte;

	send_stream(&connection, 100 * KB);
	done(part, "shutdown", shutdown(connection.fd, SHUT_WR));
	expect_errno(part, "send after shutdown", send(connection.fd, "x", 1, MSG_NOSIGNAL), EPIPE);
	receive_all(&connection, 500 * KB);
	expect_equal(part, "recv after the end", receive(&connection, &byte, 1, 0), 0);
}

static void half_close_server(struct part *part)
{
	struct connection connection = open_connection(part);

	receive_all(&connection, 100 * KB);
	for (int i = 0; i < 5; i++) {
		sleep_ms(2);
		send_stream(&connection, 100 * KB);
	}
}

#define half_close_by_server_client half_close_server
#define half_close_by_server_server half_close_client

static void eof_after_data_client(struct part *part)
{
	struct connection connection = open_connection(part);

	for (int i = 0; i < 50; i++)
		send_stream(&connection, 1 + i * 50);
	close(connection.fd);
	meet(part, "closed");
	meet(part, "read");
}

static void eof_after_data_server(struct part *part)
{
	struct connection connection = open_connection(part);

	meet(part, "closed");
	sleep_ms(10);
	receive_all(&connection, 50 + 49 * 25 * 50);
	meet(part, "read");
}

/* RFC 2525, 2.17: data that is never read ends a connection with RST. */
static void close_unread(struct part *part, size_t read)
{
	struct connection connection = open_connection(part);

	meet(part, "sent");
	await_unread(&connection, 1000);
	receive_stream(&connection, read);
	close(connection.fd);
	meet(part, "closed");
}

static void close_unread_rst_client(struct part *part)
{
	struct connection connection = open_connection(part);
	char byte;

	send_stream(&connection, 1000);
	meet(part, "sent");
	meet(part, "closed");
	expect_errno(part, "recv", receive(&connection, &byte, 1, 0), ECONNRESET);
}

static void close_unread_rst_server(struct part *part)
{
	close_unread(part, 0);
}

#define close_partly_unread_rst_client close_unread_rst_client

static void close_partly_unread_rst_server(struct part *part)
{
	close_unread(part, 400);
}

/* The writer's own reset: what the reader has got already it may still read, then it is told. */
static void abort_queued_data_client(struct part *part)
{
	struct connection connection = open_connection(part);

	send_stream(&connection, 20 * KB);
	meet(part, "sent");
	meet(part, "arrived");
	reset(&connection);
	meet(part, "reset");
}

static void abort_queued_data_server(struct part *part)
{
	struct connection connection = open_connection(part);
	struct pollfd ended = { .fd = connection.fd };
	char byte;

	meet(part, "sent");
	await_unread(&connection, 20 * KB);
	meet(part, "arrived");
	meet(part, "reset");
	expect_equal(part, "poll for a reset", poll(&ended, 1, 2000), 1);
	/* A reset that is being taken is seen in parts. */
	for (int i = 0; i < 1000 && ended.revents != (POLLERR | POLLHUP); i++) {
		sleep_ms(1);
		poll(&ended, 1, 0);
	}
	expect_equal(part, "events", ended.revents, POLLERR | POLLHUP);
	receive_stream(&connection, 20 * KB);
	expect_errno(part, "recv after a reset", receive(&connection, &byte, 1, 0), ECONNRESET);
	expect_equal(part, "recv after that", receive(&connection, &byte, 1, 0), 0);
}

static void linger_wait_client(struct part *part)
{
	struct connection connection = open_connection(part);
	struct linger linger = { .l_onoff = 1, .l_linger = 5 };

	setsockopt(connection.fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	send_stream(&connection, 200 * KB);
	expect_equal(part, "close", close(connection.fd), 0);
}

static void linger_wait_server(struct part *part)
{
	struct connection connection = open_connection(part);

	sleep_ms(20);
	receive_all(&connection, 200 * KB);
}

static void epipe_after_close_client(struct part *part)
{
	struct connection connection = open_connection(part);
	ssize_t sent = 0;
	char byte;

	meet(part, "closed");
	expect_equal(part, "recv", receive(&connection, &byte, 1, 0), 0);
	for (int64_t end = now_ms() + 2000; sent >= 0 && now_ms() < end; sleep_ms(1))
		sent = send(connection.fd, "x", 1, MSG_NOSIGNAL);
	expect_errno(part, "send to nobody", sent, EPIPE);
	expect_equal(part, "recv", receive(&connection, &byte, 1, 0), 0);
}

static void epipe_after_close_server(struct part *part)
{
	close(open_connection(part).fd);
	meet(part, "closed");
}

static void simultaneous_close(struct part *part)
{
	struct connection connection = open_connection(part);

	send_stream(&connection, 5000);
	meet(part, "sent");
	done(part, "shutdown", shutdown(connection.fd, SHUT_WR));
	receive_all(&connection, 5000);
	meet(part, "read");
}

static void shutdown_read_client(struct part *part)
{
	struct connection connection = open_connection(part);

	meet(part, "shut");
	send_stream(&connection, 100);
	meet(part, "sent");
	receive_stream(&connection, 100);
	meet(part, "read");
}

/* Linux still takes what comes after shutdown(SHUT_RD), and gives it to who asks. */
static void shutdown_read_server(struct part *part)
{
	struct connection connection = open_connection(part);
	char bytes[200];

	done(part, "shutdown", shutdown(connection.fd, SHUT_RD));
	expect_equal(part, "recv after SHUT_RD", receive(&connection, bytes, 200, 0), 0);
	meet(part, "shut");
	meet(part, "sent");
	sleep_ms(50);
	saw(part, "recv %zd", recv(connection.fd, bytes, 200, MSG_DONTWAIT));
	send_stream(&connection, 100);
	meet(part, "read");
}

/* connect(2) to AF_UNSPEC: the connection is aborted, the socket is free for another. */
static void connect_unspec_client(struct part *part)
{
	struct connection connection = open_connection(part);
	struct sockaddr nobody = { .sa_family = AF_UNSPEC };

	send_stream(&connection, 1000);
	receive_stream(&connection, 1);
	done(part, "connect to AF_UNSPEC", connect(connection.fd, &nobody, sizeof(nobody)));
	if (send(connection.fd, "x", 1, MSG_NOSIGNAL) < 0)
		saw(part, "send %s", strerrorname_np(errno));
	find_server(part);
	connection = connect_socket(part, connection.fd, 1);
	send_stream(&connection, 1000);
	receive_stream(&connection, 1);
}

static void connect_unspec_server(struct part *part)
{
	struct connection connection = open_connection(part);
	int listener = make_listener(part);
	char byte;

	receive_stream(&connection, 1000);
	send_stream(&connection, 1);
	expect_errno(part, "recv", receive(&connection, &byte, 1, 0), ECONNRESET);
	start_listening(part, listener);
	connection = accept_connection(part, listener, 1);
	receive_stream(&connection, 1000);
	send_stream(&connection, 1);
}

static void idle(struct part *part)
{
	struct connection connection = open_connection(part);

	set_option(part, connection.fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	for (int i = 0; i < 3; i++) {
		send_stream(&connection, 2000);
		receive_stream(&connection, 2000);
		sleep_ms(200);
	}
}

const struct check endings_checks[] = {
	CHECK(half_close),
	CHECK(half_close_by_server),
	CHECK(eof_after_data),
	CHECK(close_unread_rst),
	CHECK(close_partly_unread_rst),
	CHECK(abort_queued_data),
	CHECK(linger_wait),
	CHECK(epipe_after_close),
	CHECK_OF_BOTH(simultaneous_close),
	CHECK(shutdown_read),
	CHECK(connect_unspec),
	CHECK_OF_BOTH(idle),
	{},
};
