// SPDX-License-Identifier: Apache-2.0
/* What the commands of the socket shell have in common. */
#define _GNU_SOURCE
#include "shell.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

void answer(struct reply *reply, int fd, long result)
{
	if (result < 0)
		reply_errno(reply, fd);
	else
		reply_ok(reply);
}

void answer_fd(struct reply *reply, int from, int fd)
{
	if (fd < 0)
		reply_errno(reply, from);
	else
		reply_number(reply, "fd", fd);
}

long limit_of(const char *argument)
{
	return argument ? atol(argument) : TIMEOUT_MS;
}

size_t decode_text(char *text)
{
	char *to = text;

	if (!text)
		return 0;
	for (char *from = text; *from; to++) {
		char hex[3] = { from[0] == '%' ? from[1] : 0,
				from[0] == '%' && from[1] ? from[2] : 0, 0 };

		if (hex[1]) {
			*to = strtol(hex, NULL, 16);
			from += 3;
		} else {
			*to = *from++;
		}
	}
	return to - text;
}

socklen_t want_address(struct reply *reply, char **arguments, struct sockaddr_storage *out)
{
	socklen_t length = parse_address(arguments[0], arguments[1], out);

	if (!length)
		reply_string(reply, "usage", "not an address", strlen("not an address"));
	return length;
}

socklen_t parse_address(const char *address, const char *port, struct sockaddr_storage *out)
{
	struct sockaddr_in *v4 = (void *)out;
	struct sockaddr_in6 *v6 = (void *)out;

	memset(out, 0, sizeof(*out));
	if (strchr(address, ':')) {
		v6->sin6_family = AF_INET6;
		v6->sin6_port = htons(atoi(port));
		return inet_pton(AF_INET6, address, &v6->sin6_addr) == 1 ? sizeof(*v6) : 0;
	}
	v4->sin_family = AF_INET;
	v4->sin_port = htons(atoi(port));
	return inet_pton(AF_INET, address, &v4->sin_addr) == 1 ? sizeof(*v4) : 0;
}

bool same_address(const struct sockaddr_storage *a, const struct sockaddr_storage *b)
{
	const struct sockaddr_in *a4 = (const void *)a, *b4 = (const void *)b;
	const struct sockaddr_in6 *a6 = (const void *)a, *b6 = (const void *)b;

	if (a->ss_family != b->ss_family || a4->sin_port != b4->sin_port)
		return false;
	if (a->ss_family == AF_INET)
		return a4->sin_addr.s_addr == b4->sin_addr.s_addr;
	return IN6_ARE_ADDR_EQUAL(&a6->sin6_addr, &b6->sin6_addr);
}

void set_time_limit(int fd, int option, long milliseconds)
{
	struct timeval limit = { .tv_sec = milliseconds / 1000,
				 .tv_usec = milliseconds % 1000 * 1000 };

	/* Zero would mean no limit at all. */
	if (milliseconds <= 0)
		limit.tv_usec = 1;
	setsockopt(fd, SOL_SOCKET, option, &limit, sizeof(limit));
}

void set_reset_on_close(int fd)
{
	struct linger linger = { .l_onoff = 1, .l_linger = 0 };

	setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger));
}

int64_t now_micros(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000LL + now.tv_nsec / 1000;
}
