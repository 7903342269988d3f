/* SPDX-License-Identifier: Apache-2.0 */
/* What the checks share. battery.c says what it is for. */
#pragma once

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/types.h>
#include <unistd.h>

#define KB 1024UL
#define MB (1024 * KB)

/* How the application goes about its sockets. */
enum mode {
	BLOCKING,
	/* Event loop for the first rounds of a connection, then blocking calls. */
	CHANGING,
	EVENT_LOOP,
};

/* What one part of a check comes to; in memory that its processes share. */
struct outcome {
	/* Empty if nothing has failed. */
	char failure[256];
	/* What is to be compared with plain TCP. */
	char seen[256];
};

/* One end of a check: a process of its own, in a process group of its own. */
struct part {
	enum mode mode;
	bool is_server;
	/* How often the checks repeat what is left to chance. */
	unsigned int rounds;
	/* In the middle of the first rounds of a connection. */
	unsigned int pause_ms;
	uint64_t seed;
	/* Each part of a check gets one of its own below this one, if given: it is a workload of its own. */
	const char *cgroup;
	/* Of the server. Its port is that of the check's listener once there is one. */
	struct sockaddr_storage address;
	socklen_t address_length;
	/* To the other part; a UNIX socket, so that it works whatever becomes of TCP. */
	int line;
	struct outcome *outcome;
};

struct check {
	const char *name;
	void (*client)(struct part *part);
	void (*server)(struct part *part);
	/* What it is about does not exist in an event loop. */
	bool only_blocking;
};

/* A row of a table of checks: a function for each end, or one for both. */
#define CHECK(check)                                                               \
	{                                                                          \
		.name = #check, .client = check##_client, .server = check##_server \
	}
#define CHECK_OF_BOTH(check)                                     \
	{                                                        \
		.name = #check, .client = check, .server = check \
	}
#define CHECK_BLOCKING(check)                                                       \
	{                                                                           \
		.name = #check, .client = check##_client, .server = check##_server, \
		.only_blocking = true                                               \
	}

extern const struct check order_checks[], pressure_checks[], flags_checks[], endings_checks[],
	killed_checks[], waking_checks[], descriptors_checks[], threads_checks[], files_checks[],
	splice_checks[], readiness_checks[], counters_checks[], uring_checks[], special_checks[],
	tuple_checks[];

/* part.c: ends the part, and the check with it. The first failure of a part counts. */
void fail(struct part *part, const char *format, ...)
	__attribute__((noreturn, format(printf, 2, 3)));
/* Notes a value that has to be equal to that of plain TCP. */
void saw(struct part *part, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* `result`, unless it is negative: then it fails with errno. */
long done(struct part *part, const char *what, long result);
void expect_equal(struct part *part, const char *what, long got, long wanted);
void expect_errno(struct part *part, const char *what, long result, int wanted);
/* Both parts get here before either goes on. */
void meet(struct part *part, const char *where);
void tell(struct part *part, long number);
long hear(struct part *part);
void sleep_ms(unsigned int ms);
int64_t now_ms(void);
void start_thread(struct part *part, pthread_t *thread, void *(*run)(void *), void *argument);

/* stream.c: bytes that both ends can make, each at its place. */
struct stream {
	uint64_t seed;
	uint64_t offset;
};

void stream_read(struct stream *stream, void *bytes, size_t length);
/* Fails if the next bytes of the stream are others. */
void stream_check(struct part *part, struct stream *stream, const void *bytes, size_t length);
/* The next number of a series, below `limit`. */
uint64_t next_below(struct stream *series, uint64_t limit);
/* The same series at both ends. */
struct stream make_series(const struct part *part, unsigned int number);

/* connection.c: one end of a connection, with the streams of both directions. */
struct connection {
	struct part *part;
	int fd;
	struct stream out;
	struct stream in;
};

/* Opens one connection between the parts and has its first rounds done. */
struct connection open_connection(struct part *part);
/* The steps of that, for checks that do something in between. */
int make_listener(struct part *part);
void start_listening(struct part *part, int listener);
struct connection accept_connection(struct part *part, int listener, unsigned int number);
void find_server(struct part *part);
int make_socket(struct part *part);
struct connection connect_socket(struct part *part, int fd, unsigned int number);
struct connection make_connection(struct part *part, int fd, unsigned int number);
void warm_up(struct connection *connection);
void set_non_blocking(struct part *part, int fd, bool on);
void set_option(struct part *part, int fd, int level, int option, int value);

/* transfer.c: waits in an event loop only: else the call itself waits. */
void await_events(struct connection *connection, short events);
/* One successful or failing call each, as an application of the mode does it. */
ssize_t receive(struct connection *connection, void *bytes, size_t length, int flags);
ssize_t transmit(struct connection *connection, const void *bytes, size_t length, int flags);
/* All `length` next bytes of the stream, in one call if it takes them. */
void send_stream(struct connection *connection, size_t length);
void receive_stream(struct connection *connection, size_t length);
/* Bytes until the end, which must be an orderly one. */
size_t receive_to_end(struct connection *connection);
/* The same, and it must be so many. */
void receive_all(struct connection *connection, size_t length);
/* Sends the next bytes of the stream, in one call; goes on from what was taken. */
ssize_t send_next(struct connection *connection, int flags);
/* Sends as much as is taken without waiting, until nothing is for 100 ms; at most `limit` bytes. */
size_t send_until_full(struct connection *connection, size_t limit);
int bytes_unread(struct connection *connection);
/* Until so many bytes can be read. */
void await_unread(struct connection *connection, int bytes);
void reset(struct connection *connection);
