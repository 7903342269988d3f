/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of the program share. stream.c says what it is for. */
#pragma once

#include "../program.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define SIZE_MAX_BYTES (1 << 20)

enum kind {
	REQUESTS, /* `count` messages of `size` bytes, each answered with as many */
	BULK,	  /* `count` bytes, then one is answered */
	STALL,	  /* nothing is read any more */
};

/* What a client says first. It is answered with one byte. */
struct order {
	uint32_t kind;
	uint32_t size;
	uint64_t count;
};

/* A connection. One that does not block waits with its own epoll instance, as an event loop does. */
struct stream {
	int fd;
	int epoll;
	bool blocks;
};

extern char buffer[SIZE_MAX_BYTES];

void serve(const char *address, bool blocks);
void serve_one(int fd);
void ask(const char *address, bool blocks);
/* On a connection that is there. */
void ask_on(int fd);

/* All of it, or the program ends. */
void write_all(const struct stream *stream, const void *data, size_t size);
/* Waits for at least one byte; 0: the stream has ended. */
ssize_t read_some(const struct stream *stream, void *data, size_t size);
struct stream open_stream(int fd, bool blocks);
void close_stream(struct stream *stream);
