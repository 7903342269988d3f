// SPDX-License-Identifier: Apache-2.0
/* The client: commands, one after the other. */
#define _GNU_SOURCE
#include "stream.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define HELD_MAX 16384
/* Nothing goes for so long: the other end is full. */
#define FULL_MS 300

static const char *target_text;
static bool blocks;
static struct stream stream = { .fd = -1, .epoll = -1 };
static struct stream held[HELD_MAX];
static int held_count;

static double now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e6 + now.tv_nsec / 1e3;
}

static void done(void)
{
	printf("{}\n");
}

static struct stream dial(void)
{
	struct sockaddr_in target = parse_address(target_text);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || connect(fd, (struct sockaddr *)&target, sizeof(target)))
		fail("connect to", target_text);
	return open_stream(fd, blocks);
}

/* RST: what is unread is of no use to anybody, and the server hears of it even while it does not read. */
static void drop(struct stream *old)
{
	struct linger linger = { .l_onoff = 1 };

	if (old->fd >= 0)
		setsockopt(old->fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
	close_stream(old);
}

static void drop_all(void)
{
	drop(&stream);
	while (held_count > 0)
		drop(&held[--held_count]);
}

static void read_all(const struct stream *from, size_t size)
{
	while (size > 0) {
		ssize_t got = read_some(from, buffer, size);

		if (got == 0) {
			errno = ECONNRESET;
			fail("read from", "the server");
		}
		size -= got;
	}
}

static void place(const struct stream *to, enum kind kind, uint32_t size, uint64_t count)
{
	struct order order = { .kind = kind, .size = size, .count = count };

	write_all(to, &order, sizeof(order));
	read_all(to, 1);
}

static void make_requests(const struct stream *to, uint32_t size, uint64_t count)
{
	for (uint64_t i = 0; i < count; i++) {
		write_all(to, buffer, size);
		read_all(to, size);
	}
}

static void time_requests(uint32_t size, uint64_t count)
{
	double start;

	place(&stream, REQUESTS, size, count);
	start = now_us();
	make_requests(&stream, size, count);
	printf("{\"us\":%.4f}\n", (now_us() - start) / count);
}

static void time_bulk(uint32_t size, uint64_t bytes)
{
	double start;

	place(&stream, BULK, size, bytes);
	start = now_us();
	for (uint64_t sent = 0; sent < bytes; sent += size)
		write_all(&stream, buffer, sent + size > bytes ? bytes - sent : size);
	read_all(&stream, 1);
	printf("{\"us\":%.1f}\n", now_us() - start);
}

static void fill(uint32_t size)
{
	struct pollfd room = { .fd = stream.fd, .events = POLLOUT };
	long bytes = 0;

	place(&stream, STALL, size, 0);
	for (;;) {
		ssize_t put = send(stream.fd, buffer, size, MSG_NOSIGNAL | MSG_DONTWAIT);

		if (put > 0)
			bytes += put;
		else if (errno != EAGAIN)
			fail("send to", target_text);
		else if (poll(&room, 1, FULL_MS) == 0)
			break;
	}
	printf("{\"bytes\":%ld}\n", bytes);
}

static void hold(int count)
{
	while (held_count < count)
		held[held_count++] = dial();
	done();
}

static void touch(int count)
{
	for (int i = 0; i < held_count; i++) {
		place(&held[i], REQUESTS, 1, count);
		make_requests(&held[i], 1, count);
	}
	done();
}

static void run_commands(void)
{
	char line[128];
	unsigned long long other;
	int one;

	while (fgets(line, sizeof(line), stdin)) {
		if (strcmp(line, "connect\n") == 0)
			drop(&stream), stream = dial(), done();
		else if (sscanf(line, "requests %d %llu", &one, &other) == 2)
			time_requests(one, other);
		else if (sscanf(line, "bulk %d %llu", &one, &other) == 2)
			time_bulk(one, other);
		else if (sscanf(line, "fill %d", &one) == 1)
			fill(one);
		else if (sscanf(line, "hold %d", &one) == 1 && one <= HELD_MAX)
			hold(one);
		else if (sscanf(line, "touch %d", &one) == 1)
			touch(one);
		else if (strcmp(line, "close\n") == 0)
			drop_all(), done();
		else
			fprintf(stderr, "stream: bad command: %s", line), exit(2);
		fflush(stdout);
	}
}

void ask(const char *text, bool is_blocking)
{
	target_text = text;
	blocks = is_blocking;
	run_commands();
}

void ask_on(int fd)
{
	target_text = "the other end";
	stream = open_stream(fd, false);
	run_commands();
}
