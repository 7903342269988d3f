/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the socket shell share. socket-shell.c says what it is for. */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/socket.h>

/* A call that would block longer than this answers TIMEOUT, so that no test can hang. */
#define TIMEOUT_MS 5000
#define TEXT_MAX 65536
#define NAME_MAX_LENGTH 64

/* One answer: a JSON object on a line of its own that carries the number of the command. */
struct reply {
	FILE *out;
	char *text;
	size_t length;
};

void reply_begin(struct reply *reply, long id);
void reply_ok(struct reply *reply);
void reply_number(struct reply *reply, const char *key, long long value);
void reply_string(struct reply *reply, const char *key, const char *text, size_t length);
/* `address` and `port`; an IPv4-mapped address is shown as such. */
void reply_address(struct reply *reply, const struct sockaddr_storage *address);
void reply_error(struct reply *reply, const char *name);
/* The name of errno, or TIMEOUT when the socket `fd` blocks and its time limit has passed. */
void reply_errno(struct reply *reply, int fd);
void reply_send(struct reply *reply);

/* Writes `text` to `out` as a JSON string, byte by byte (bytes from 0x80 as \u0080...). */
void write_json_string(FILE *out, const char *text, size_t length);

struct command {
	const char *name;
	const char *usage;
	int arguments_min;
	int arguments_max;
	/* `arguments[0]` is the first one after the name; missing ones are NULL. */
	void (*run)(struct reply *reply, char **arguments);
	/* Set instead of `run` by commands that answer later, from a thread of their own, or that need their number. */
	void (*start)(long id, char **arguments);
};

#define ARGUMENTS_MAX 12

extern const struct command socket_commands[], transfer_commands[], capture_commands[];

void hammer_start(long id, char **arguments);
void serve_start(long id, char **arguments);
/* True if `id` was running; its hammer answers under its own number. */
bool hammer_stop(long id);
bool serve_stop(long id);
/* Adds what the server `id` has seen; false if there is none. */
bool serve_report(long id, struct reply *reply);

/* Answers what a call came to: its result, or a file descriptor. The errno is that of a call on `fd` or `from`. */
void answer(struct reply *reply, int fd, long result);
void answer_fd(struct reply *reply, int from, int fd);
/* Milliseconds, or TIMEOUT_MS if there is no argument. */
long limit_of(const char *argument);
/* Decodes %HH in place; a missing text is the empty one. Returns its length. */
size_t decode_text(char *text);
/* Parses ADDRESS PORT, or answers that they are none and returns 0. */
socklen_t want_address(struct reply *reply, char **arguments, struct sockaddr_storage *out);

/* An address with a colon is IPv6. Returns the length of `out`, 0 if it is no address. */
socklen_t parse_address(const char *address, const char *port, struct sockaddr_storage *out);
bool same_address(const struct sockaddr_storage *a, const struct sockaddr_storage *b);
void set_time_limit(int fd, int option, long milliseconds);
/* The next close sends a RST and leaves no TIME_WAIT. */
void set_reset_on_close(int fd);
int64_t now_micros(void);
