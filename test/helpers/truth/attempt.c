// SPDX-License-Identifier: Apache-2.0
/* One connection: how it begins, what it carries, and what its failure is called. */
#define _GNU_SOURCE
#include "truth.h"

#include <errno.h>
#include <netinet/tcp.h>
#include <string.h>
#include <sys/socket.h>

/* splitmix64 (Steele, Lea, Flood 2014). */
uint64_t random_next(struct random *random)
{
	uint64_t z = random->state += 0x9e3779b97f4a7c15ULL;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
	return z ^ z >> 31;
}

static void map_to_ipv6(const struct sockaddr_storage *from, struct sockaddr_storage *to,
			socklen_t *length)
{
	const struct sockaddr_in *ipv4 = (const struct sockaddr_in *)from;
	struct sockaddr_in6 *mapped = (struct sockaddr_in6 *)to;

	*mapped = (struct sockaddr_in6){ .sin6_family = AF_INET6, .sin6_port = ipv4->sin_port };
	mapped->sin6_addr.s6_addr[10] = mapped->sin6_addr.s6_addr[11] = 0xff;
	memcpy(&mapped->sin6_addr.s6_addr[12], &ipv4->sin_addr, sizeof(ipv4->sin_addr));
	*length = sizeof(*mapped);
}

/* Of IPv4 one in four is asked for as JVMs do, by a socket of IPv6. */
int open_socket(const struct target *target, struct random *random, int flags,
		struct sockaddr_storage *address, socklen_t *length)
{
	int type = target->kind == KIND_DATAGRAMS ? SOCK_DGRAM : SOCK_STREAM;
	int fd;

	*address = target->address;
	*length = target->length;
	if (target->address.ss_family == AF_INET && random_next(random) % 4 == 0)
		map_to_ipv6(&target->address, address, length);
	fd = socket(address->ss_family, type | SOCK_CLOEXEC | flags, 0);
	if (fd < 0)
		fail("open a socket");
	return fd;
}

void count_failure(const struct target *target, struct tally *tally, int error)
{
	bool rejects = target->kind == KIND_REJECTS || target->kind == KIND_ROUTED;

	if (error == ECONNREFUSED && rejects) {
		tally->rejected++;
		return;
	}
	tally->attempts++;
	if (error == ECONNREFUSED)
		tally->refused++;
	else if (error == ETIMEDOUT)
		tally->timed_out++;
	else
		tally->unreachable++;
}

void count_established(struct tally *tally, uint64_t sent, uint64_t received)
{
	tally->attempts++;
	tally->established++;
	tally->sent += sent;
	tally->received += received;
}

void set_reset_on_close(int fd)
{
	struct linger linger = { .l_onoff = 1 };

	if (setsockopt(fd, SOL_SOCKET, SO_LINGER, &linger, sizeof(linger)))
		fail("set SO_LINGER");
}

void set_user_timeout(int fd, unsigned int timeout_ms)
{
	if (setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &timeout_ms, sizeof(timeout_ms)))
		fail("set TCP_USER_TIMEOUT");
}

/* Mostly little, sometimes more than fits into a segment, now and then more than into a buffer. */
static uint32_t draw_size(struct random *random)
{
	uint64_t drawn = random_next(random);

	switch (drawn % 200) {
	case 0:
		return (drawn >> 8) % 300000;
	case 1 ... 20:
		return (drawn >> 8) % 20000;
	default:
		return (drawn >> 8) % 300;
	}
}

static void send_whole(int fd, const void *from, size_t size)
{
	while (size) {
		ssize_t sent = send(fd, from, size, MSG_NOSIGNAL);

		if (sent < 0)
			fail("send a request");
		from = (const char *)from + sent;
		size -= sent;
	}
}

static void send_body(int fd, uint32_t size)
{
	static const char body[CHUNK];

	for (; size > CHUNK; size -= CHUNK)
		send_whole(fd, body, CHUNK);
	send_whole(fd, body, size);
}

static unsigned int read_answer(int fd, uint32_t size)
{
	unsigned int server = 0;
	bool first = true;
	char answer[CHUNK];

	while (size) {
		ssize_t got = recv(fd, answer, size < CHUNK ? size : CHUNK, 0);

		if (got <= 0)
			fail(got ? "read an answer" : "read an answer to its end");
		if (first)
			server = answer[0];
		first = false;
		size -= got;
	}
	if (server >= SERVERS_MAX)
		fail("read the number of a server");
	return server;
}

unsigned int exchange(int fd, struct random *random, enum then then, uint64_t *sent,
		      uint64_t *received)
{
	bool small = then == THEN_HEAR_NOTHING;
	struct request request = {
		.size = small ? 100 : draw_size(random),
		.answer = small ? 100 : 1 + draw_size(random),
		.then = then,
	};
	int more = 1;

	/* As one segment, where it is one. */
	setsockopt(fd, IPPROTO_TCP, TCP_CORK, &more, sizeof(more));
	send_whole(fd, &request, sizeof(request));
	send_body(fd, request.size);
	more = 0;
	setsockopt(fd, IPPROTO_TCP, TCP_CORK, &more, sizeof(more));
	*sent += sizeof(request) + request.size;
	*received += request.answer;
	return read_answer(fd, request.answer);
}
