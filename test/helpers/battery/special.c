// SPDX-License-Identifier: Apache-2.0
/* Listeners and connections of special kinds, and urgent data. */
#define _GNU_SOURCE
#include "battery.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#ifndef IPPROTO_MPTCP
#define IPPROTO_MPTCP 262
#endif

/* Both ends send before either reads, several messages each. */
static void exchange(struct connection *connection)
{
	for (int i = 0; i < 5; i++)
		send_stream(connection, 300 + i);
	receive_stream(connection, 5 * 300 + 10);
}

/* What comes with the SYN is the beginning of the stream (RFC 7413). */
static void tcp_fastopen_client(struct part *part)
{
	find_server(part);
	for (unsigned int i = 0; i < part->rounds; i++) {
		struct connection connection = make_connection(part, make_socket(part), i);
		struct stream ahead = connection.out;
		char bytes[200];
		ssize_t sent;

		stream_read(&ahead, bytes, sizeof(bytes));
		set_non_blocking(part, connection.fd, part->mode == EVENT_LOOP);
		sent = sendto(connection.fd, bytes, sizeof(bytes), MSG_FASTOPEN,
			      (void *)&part->address, part->address_length);
		if (sent < 0 && errno == EINPROGRESS)
			sent = 0;
		connection.out.offset += done(part, "send with MSG_FASTOPEN", sent);
		if ((size_t)sent < sizeof(bytes))
			send_stream(&connection, sizeof(bytes) - sent);
		exchange(&connection);
		close(connection.fd);
	}
}

static bool came_with_syn(struct connection *connection)
{
	struct tcp_info info = { 0 };
	socklen_t length = sizeof(info);

	getsockopt(connection->fd, IPPROTO_TCP, TCP_INFO, &info, &length);
	return info.tcpi_options & TCPI_OPT_SYN_DATA;
}

static void tcp_fastopen_server(struct part *part)
{
	int listener = make_listener(part);
	bool with_syn = false;

	set_option(part, listener, IPPROTO_TCP, TCP_FASTOPEN, 64);
	start_listening(part, listener);
	for (unsigned int i = 0; i < part->rounds; i++) {
		struct connection connection = accept_connection(part, listener, i);

		with_syn |= came_with_syn(&connection);
		for (int message = 0; message < 5; message++)
			send_stream(&connection, 300 + message);
		receive_all(&connection, 200 + 5 * 300 + 10);
		close(connection.fd);
	}
	saw(part, "data %s SYN", with_syn ? "with the" : "after the");
}

/* Accepted when the first data is there. */
static void defer_accept_client(struct part *part)
{
	find_server(part);
	for (unsigned int i = 0; i < part->rounds; i++) {
		struct connection connection = connect_socket(part, make_socket(part), i);

		exchange(&connection);
		close(connection.fd);
	}
}

static void serve_exchanges(struct part *part, int listener)
{
	start_listening(part, listener);
	for (unsigned int i = 0; i < part->rounds; i++) {
		struct connection connection = accept_connection(part, listener, i);

		exchange(&connection);
		receive_all(&connection, 0);
		close(connection.fd);
	}
}

static void defer_accept_server(struct part *part)
{
	int listener = make_listener(part);

	set_option(part, listener, IPPROTO_TCP, TCP_DEFER_ACCEPT, 2);
	serve_exchanges(part, listener);
}

#define mptcp_listener_client defer_accept_client

/* As Go makes them, for clients of plain TCP. */
static void mptcp_listener_server(struct part *part)
{
	struct sockaddr_storage address = part->address;
	int listener = done(part, "socket of MPTCP",
			    socket(address.ss_family, SOCK_STREAM, IPPROTO_MPTCP));

	((struct sockaddr_in *)&address)->sin_port = 0;
	done(part, "bind", bind(listener, (void *)&address, part->address_length));
	serve_exchanges(part, listener);
}

/* An IPv6 socket that takes IPv4 too: its connections have IPv4-mapped addresses. */
static void mapped_listener_client(struct part *part)
{
	struct connection connection;

	find_server(part);
	connection = connect_socket(part, make_socket(part), 0);
	warm_up(&connection);
	for (unsigned int i = 0; i < part->rounds; i++)
		exchange(&connection);
}

static void mapped_listener_server(struct part *part)
{
	struct sockaddr_in6 any = { .sin6_family = AF_INET6 };
	struct connection connection;
	int listener = done(part, "socket", socket(AF_INET6, SOCK_STREAM, 0));

	set_option(part, listener, IPPROTO_IPV6, IPV6_V6ONLY, 0);
	done(part, "bind", bind(listener, (void *)&any, sizeof(any)));
	start_listening(part, listener);
	connection = accept_connection(part, listener, 0);
	warm_up(&connection);
	for (unsigned int i = 0; i < part->rounds; i++)
		exchange(&connection);
}

static void urgent_oob_client(struct part *part)
{
	struct connection connection = open_connection(part);

	send_stream(&connection, 100);
	expect_equal(part, "send with MSG_OOB", send(connection.fd, "!", 1, MSG_OOB), 1);
	meet(part, "urgent");
	send_stream(&connection, 100);
	meet(part, "read");
}

/* The byte comes beside the stream, and its place in the stream is marked (RFC 6093). */
static void urgent_oob_server(struct part *part)
{
	struct connection connection = open_connection(part);
	struct pollfd urgent = { .fd = connection.fd, .events = POLLPRI };
	char byte = 0;

	expect_equal(part, "poll for urgent data", poll(&urgent, 1, 2000), 1);
	expect_equal(part, "events", urgent.revents, POLLPRI);
	meet(part, "urgent");
	expect_equal(part, "recv with MSG_OOB", recv(connection.fd, &byte, 1, MSG_OOB), 1);
	expect_equal(part, "urgent byte", byte, '!');
	receive_stream(&connection, 100);
	expect_equal(part, "sockatmark", sockatmark(connection.fd), 1);
	receive_stream(&connection, 100);
	meet(part, "read");
}

#define urgent_inline_client urgent_oob_client

static void urgent_inline_server(struct part *part)
{
	struct connection connection = open_connection(part);
	char byte = 0;

	set_option(part, connection.fd, SOL_SOCKET, SO_OOBINLINE, 1);
	meet(part, "urgent");
	receive_stream(&connection, 100);
	expect_equal(part, "recv", receive(&connection, &byte, 1, 0), 1);
	expect_equal(part, "urgent byte", byte, '!');
	receive_stream(&connection, 100);
	meet(part, "read");
}

const struct check special_checks[] = {
	CHECK(tcp_fastopen),
	CHECK(defer_accept),
	CHECK(mptcp_listener),
	CHECK(mapped_listener),
	CHECK(urgent_oob),
	CHECK(urgent_inline),
	{},
};
