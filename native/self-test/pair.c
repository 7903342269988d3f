// SPDX-License-Identifier: Apache-2.0
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "complaint.h"
#include "pair.h"
#include "place.h"
#include "programs.h"

#define PATIENCE_MS 1000

/* More than bpf/same-node/unfit.h asks for. */
#define RIPENING_READS 40

/* A walk may come upon a read that is under way. */
#define WALKS_MAX 3

/* More than bpf/same-node/join.h asks for. */
#define UNPUBLISHED_US 12000

struct address_of {
	struct sockaddr_storage address;
	socklen_t length;
};

static struct address_of address_of(int family, const char *ipv4, const char *ipv6)
{
	struct address_of result = { .address.ss_family = family };
	struct sockaddr_in *in = (struct sockaddr_in *)&result.address;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&result.address;

	result.length = family == AF_INET ? sizeof(*in) : sizeof(*in6);
	inet_pton(family, family == AF_INET ? ipv4 : ipv6,
		  family == AF_INET ? (void *)&in->sin_addr : (void *)&in6->sin6_addr);
	return result;
}

static int open_socket(int family, int flags, const struct address_of *own)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC | flags, 0);

	if (fd < 0 || bind(fd, (const struct sockaddr *)&own->address, own->length))
		complain_errno("open a socket");
	return fd;
}

static int connect_to(int family, struct address_of *server)
{
	struct address_of own = address_of(family, CLIENT_IPV4, CLIENT_IPV6);
	int client = open_socket(family, SOCK_NONBLOCK, &own);

	if (connect(client, (struct sockaddr *)&server->address, server->length) &&
	    errno != EINPROGRESS)
		complain_errno("connect");
	return client;
}

bool open_pair(struct pair *pair, int family)
{
	struct address_of own = address_of(family, SERVER_IPV4, SERVER_IPV6);
	int listener = open_socket(family, 0, &own), client = -1, server = -1, on = 1;

	if (!listen(listener, 1) &&
	    !getsockname(listener, (struct sockaddr *)&own.address, &own.length)) {
		client = connect_to(family, &own);
		if (wait_for(client, POLLOUT))
			server = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
	}
	close(listener);
	*pair = (struct pair){ { .from = client, .to = server }, { .from = server, .to = client } };
	if (server < 0)
		return complain_errno("connect");
	setsockopt(client, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	setsockopt(server, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
	return true;
}

bool ripen(struct pair *pair)
{
	for (int reads = 0; reads < RIPENING_READS; reads++)
		if (!send_message(&pair->there, 100) || !receive_all(&pair->there) ||
		    !send_message(&pair->back, 100) || !receive_all(&pair->back))
			return false;
	return true;
}

bool open_joined_pair(struct pair *pair, int family)
{
	if (!open_pair(pair, family) || !ripen(pair))
		return false;
	for (int walks = 0; walks < WALKS_MAX; walks++) {
		if (walk() < 0)
			return false;
		if (!is_joined(pair->there.from) || !is_joined(pair->there.to))
			continue;
		/* They find each other some time later. */
		usleep(UNPUBLISHED_US);
		return walk() >= 0;
	}
	return complain("a pair that has ripened is not joined");
}

void close_pair(struct pair *pair)
{
	if (pair->there.from >= 0)
		close(pair->there.from);
	if (pair->there.to >= 0)
		close(pair->there.to);
	pair->there.from = pair->there.to = pair->back.from = pair->back.to = -1;
}

/* The place within 256 bytes is not enough: a whole message that is missing may be as long. */
static void write_pattern(uint8_t *bytes, size_t place, size_t size)
{
	for (size_t i = 0; i < size; i++)
		bytes[i] = (place + i) * 2654435761U >> 24;
}

ssize_t send_some(struct way *way, size_t size)
{
	uint8_t bytes[CHUNK_MAX];
	ssize_t sent;

	write_pattern(bytes, way->sent, size);
	sent = send(way->from, bytes, size, MSG_NOSIGNAL);
	if (sent > 0)
		way->sent += sent;
	if (sent >= 0)
		return sent;
	if (errno == EAGAIN)
		return 0;
	complain_errno("send");
	return -1;
}

ssize_t receive_some(struct way *way, size_t size)
{
	uint8_t bytes[CHUNK_MAX], expected[CHUNK_MAX];
	ssize_t received = recv(way->to, bytes, size, 0);

	if (received < 0 && errno == EAGAIN)
		return 0;
	if (received <= 0) {
		complain("receive at byte %zu: %s", way->received,
			 received ? strerror(errno) : "the stream has ended");
		return -1;
	}
	write_pattern(expected, way->received, received);
	for (ssize_t i = 0; i < received; i++)
		if (bytes[i] != expected[i]) {
			complain("byte %zu is not the one that was sent", way->received + i);
			return -1;
		}
	way->received += received;
	return received;
}

bool send_message(struct way *way, size_t size)
{
	ssize_t sent = send_some(way, size);

	if (sent == (ssize_t)size)
		return true;
	return complain("of %zu bytes %zd were taken", size, sent);
}

bool receive_until(struct way *way, size_t place)
{
	while (way->received < place) {
		if (!wait_for(way->to, POLLIN))
			return complain("%zu bytes of %zu have come", way->received, place);
		if (receive_some(way, place - way->received < CHUNK_MAX ? place - way->received
									: CHUNK_MAX) < 0)
			return false;
	}
	return true;
}

bool receive_all(struct way *way)
{
	return receive_until(way, way->sent);
}

bool receive_end(struct way *way)
{
	char byte;
	ssize_t received;

	if (!wait_for(way->to, POLLIN))
		return complain("the end of the stream does not come");
	received = recv(way->to, &byte, 1, 0);
	if (received < 0)
		return complain_errno("receive the end of the stream");
	return received ? complain("more comes than was sent") : true;
}

static bool poll_for(int fd, short events, int timeout_ms)
{
	struct pollfd wanted = { .fd = fd, .events = events };

	return poll(&wanted, 1, timeout_ms) > 0;
}

bool wait_for(int fd, short events)
{
	return poll_for(fd, events, PATIENCE_MS);
}

bool is_ready(int fd, short events)
{
	return poll_for(fd, events, 0);
}
