// SPDX-License-Identifier: Apache-2.0
/* What poll and epoll tell, by level and by edge. */
#define _GNU_SOURCE
#include "battery.h"

#include <sys/epoll.h>
#include <sys/select.h>

#define TAKEN_MAX (10 * MB)
/* An event that has to come is there by then; one that must not come would be, by the other. */
#define COMES_MS 3000
#define ABSENT_MS 50

static int watch(struct connection *connection, uint32_t events)
{
	struct epoll_event event = { .events = events };
	int epoll = done(connection->part, "epoll_create1", epoll_create1(EPOLL_CLOEXEC));

	done(connection->part, "epoll_ctl",
	     epoll_ctl(epoll, EPOLL_CTL_ADD, connection->fd, &event));
	return epoll;
}

/* The events that come within `ms`, 0 if none. */
static uint32_t next_events(int epoll, int ms)
{
	struct epoll_event event = { 0 };

	return epoll_wait(epoll, &event, 1, ms) == 1 ? event.events : 0;
}

static void three_messages_client(struct part *part)
{
	struct connection connection = open_connection(part);

	meet(part, "watched");
	for (int i = 0; i < 3; i++) {
		send_stream(&connection, 1000);
		meet(part, "seen");
	}
	close(connection.fd);
	meet(part, "over");
}

#define epoll_in_lt_client three_messages_client
#define epoll_in_et_client three_messages_client
#define epoll_oneshot_client three_messages_client
#define select_in_client three_messages_client

/* By level: as long as there is something to read. */
static void epoll_in_lt_server(struct part *part)
{
	struct connection connection = open_connection(part);
	int epoll = watch(&connection, EPOLLIN | EPOLLRDHUP);

	expect_equal(part, "events of nothing", next_events(epoll, ABSENT_MS), 0);
	meet(part, "watched");
	for (int i = 0; i < 3; i++) {
		expect_equal(part, "events", next_events(epoll, COMES_MS), EPOLLIN);
		await_unread(&connection, 1000);
		receive_stream(&connection, 400);
		expect_equal(part, "events of the rest", next_events(epoll, 0), EPOLLIN);
		receive_stream(&connection, 600);
		expect_equal(part, "events of nothing", next_events(epoll, ABSENT_MS), 0);
		meet(part, "seen");
	}
	expect_equal(part, "events of the end", next_events(epoll, COMES_MS), EPOLLIN | EPOLLRDHUP);
	receive_all(&connection, 0);
	meet(part, "over");
}

/* By edge: once for each arrival, also if something is left from before. */
static void epoll_in_et_server(struct part *part)
{
	struct connection connection = open_connection(part);
	int epoll = watch(&connection, EPOLLIN | EPOLLRDHUP | EPOLLET);

	expect_equal(part, "events of nothing", next_events(epoll, ABSENT_MS), 0);
	meet(part, "watched");
	for (int i = 0; i < 3; i++) {
		expect_equal(part, "events", next_events(epoll, COMES_MS), EPOLLIN);
		await_unread(&connection, i * 600 + 1000);
		receive_stream(&connection, 400);
		expect_equal(part, "events without an arrival", next_events(epoll, ABSENT_MS), 0);
		meet(part, "seen");
	}
	expect_equal(part, "events of the end", next_events(epoll, COMES_MS), EPOLLIN | EPOLLRDHUP);
	receive_all(&connection, 1800);
	meet(part, "over");
}

/* More than half of a receive buffer and less than the whole. */
#define SHORT_BYTES (96 * KB)

static void epoll_in_et_short_client(struct part *part)
{
	struct connection connection = open_connection(part);

	meet(part, "watched");
	for (size_t sent = 0; sent < SHORT_BYTES; sent += 16 * KB)
		send_stream(&connection, 16 * KB);
	meet(part, "sent");
	receive_stream(&connection, 1);
}

/* As epoll(7) has it, Q9: a read that does not fill its buffer has taken all there was. */
static void epoll_in_et_short_server(struct part *part)
{
	struct connection connection = open_connection(part);
	int epoll = watch(&connection, EPOLLIN | EPOLLET);
	static char bytes[256 * KB];
	size_t left = SHORT_BYTES;

	meet(part, "watched");
	meet(part, "sent");
	/* All of it is there by then: it is told of once. */
	sleep_ms(ABSENT_MS);
	while (left && next_events(epoll, COMES_MS)) {
		ssize_t got;

		do {
			got = recv(connection.fd, bytes, sizeof(bytes), MSG_DONTWAIT);
			if (got > 0)
				stream_check(part, &connection.in, bytes, got);
			left -= got > 0 ? got : 0;
		} while (got == sizeof(bytes));
	}
	if (left)
		fail(part, "nothing tells of the last bytes after a short read");
	send_stream(&connection, 1);
}

static void epoll_oneshot_server(struct part *part)
{
	struct connection connection = open_connection(part);
	struct epoll_event again = { .events = EPOLLIN | EPOLLONESHOT };
	int epoll = watch(&connection, EPOLLIN | EPOLLONESHOT);

	meet(part, "watched");
	for (int i = 0; i < 3; i++) {
		expect_equal(part, "events", next_events(epoll, COMES_MS), EPOLLIN);
		expect_equal(part, "events a second time", next_events(epoll, ABSENT_MS), 0);
		receive_stream(&connection, 1000);
		done(part, "epoll_ctl", epoll_ctl(epoll, EPOLL_CTL_MOD, connection.fd, &again));
		meet(part, "seen");
	}
	meet(part, "over");
}

static void select_in_server(struct part *part)
{
	struct connection connection = open_connection(part);

	meet(part, "watched");
	for (int i = 0; i < 3; i++) {
		struct timeval limit = { .tv_sec = 3 };
		fd_set readable;

		FD_ZERO(&readable);
		FD_SET(connection.fd, &readable);
		expect_equal(part, "select",
			     select(connection.fd + 1, &readable, NULL, NULL, &limit), 1);
		receive_stream(&connection, 1000);
		meet(part, "seen");
	}
	meet(part, "over");
}

/* Fills the connection until no room is told of. TCP may find some more later. */
static size_t fill(struct connection *connection, int epoll, uint32_t trigger)
{
	size_t taken = 0;

	do {
		taken += send_until_full(connection, TAKEN_MAX - taken);
		if (taken >= TAKEN_MAX)
			fail(connection->part,
			     "%zu bytes were taken for a reader that does not read", taken);
		while (trigger && next_events(epoll, 0))
			;
	} while (next_events(epoll, ABSENT_MS));
	return taken;
}

static void epoll_out(struct part *part, uint32_t trigger)
{
	struct connection connection = open_connection(part);
	int epoll = watch(&connection, EPOLLOUT | trigger);
	size_t taken;

	expect_equal(part, "events with room", next_events(epoll, COMES_MS), EPOLLOUT);
	for (int round = 0; round < 2; round++) {
		taken = fill(&connection, epoll, trigger);
		tell(part, taken);
		expect_equal(part, "events with room again", next_events(epoll, COMES_MS),
			     EPOLLOUT);
		meet(part, "drained");
	}
}

static void epoll_out_lt_client(struct part *part)
{
	epoll_out(part, 0);
}

static void epoll_out_et_client(struct part *part)
{
	epoll_out(part, EPOLLET);
}

#define epoll_out_et_server epoll_out_lt_server

static void epoll_out_lt_server(struct part *part)
{
	struct connection connection = open_connection(part);

	for (int round = 0; round < 2; round++) {
		receive_stream(&connection, hear(part));
		meet(part, "drained");
	}
}

/* What a poll tells of each kind of end. */
static void poll_ends_client(struct part *part)
{
	struct connection connection = open_connection(part);

	meet(part, "open");
	send_stream(&connection, 10);
	shutdown(connection.fd, SHUT_WR);
	meet(part, "half closed");
	receive_all(&connection, 10);
	meet(part, "closed");
}

static short poll_once(struct connection *connection, short wanted)
{
	short all = POLLIN | POLLPRI | POLLOUT | POLLRDHUP;
	struct pollfd state = { .fd = connection->fd, .events = all };

	for (int64_t end = now_ms() + 2000; now_ms() < end; sleep_ms(1)) {
		poll(&state, 1, 0);
		if (state.revents == wanted)
			break;
	}
	return state.revents;
}

static void poll_ends_server(struct part *part)
{
	struct connection connection = open_connection(part);
	short half = POLLIN | POLLOUT | POLLRDHUP, whole = half | POLLHUP;

	expect_equal(part, "an open connection", poll_once(&connection, POLLOUT), POLLOUT);
	meet(part, "open");
	meet(part, "half closed");
	expect_equal(part, "a half-closed one", poll_once(&connection, half), half);
	receive_all(&connection, 10);
	expect_equal(part, "a half-closed one that is read", poll_once(&connection, half), half);
	send_stream(&connection, 10);
	shutdown(connection.fd, SHUT_WR);
	expect_equal(part, "a closed one", poll_once(&connection, whole), whole);
	meet(part, "closed");
}

const struct check readiness_checks[] = {
	CHECK(epoll_in_lt),   CHECK(epoll_in_et), CHECK(epoll_in_et_short),
	CHECK(epoll_oneshot), CHECK(select_in),	  CHECK(epoll_out_lt),
	CHECK(epoll_out_et),  CHECK(poll_ends),	  {},
};
