// SPDX-License-Identifier: Apache-2.0
/*
 * Connections that go on, and are read as event loops read: without blocking, when there is something. The
 * kernel's own account of a socket says what went by TCP, so what did not is the rest.
 */
#define _GNU_SOURCE
#include "truth.h"

#include <errno.h>
#include <linux/tcp.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define KEPT_MAX 256
#define ANSWER_MAX 4096
#define WAIT_MS 30000

struct kept {
	int fd;
	unsigned int target, server;
	uint64_t sent, received;
};

static struct kept kept[KEPT_MAX];
static unsigned int kept_count;
static struct random randomness = { .state = 1 };
/* Of those that have ended. */
static struct tallies ended;

static void wait_until(int fd, short events)
{
	struct pollfd pollfd = { .fd = fd, .events = events };

	if (poll(&pollfd, 1, WAIT_MS) != 1)
		fail("wait for a connection that goes on");
}

static void ask(struct kept *one)
{
	char message[sizeof(struct request) + ANSWER_MAX] = {};
	struct request *request = (struct request *)message;
	uint32_t left;
	ssize_t sent;

	*request = (struct request){ .size = random_next(&randomness) % ANSWER_MAX,
				     .answer = 1 + random_next(&randomness) % ANSWER_MAX };
	sent = send(one->fd, message, sizeof(*request) + request->size, MSG_NOSIGNAL);
	if (sent != (ssize_t)(sizeof(*request) + request->size))
		fail("send on a connection that goes on");
	one->sent += sent;
	left = request->answer;
	for (bool first = true; left; first = false) {
		char answer[ANSWER_MAX];
		ssize_t got;

		wait_until(one->fd, POLLIN);
		got = recv(one->fd, answer, left, 0);
		if (got < 0 && errno == EAGAIN)
			continue;
		if (got <= 0)
			fail("read on a connection that goes on");
		if (first)
			one->server = answer[0];
		one->received += got;
		left -= got;
	}
}

static void open_one(unsigned int index)
{
	struct kept *one = &kept[kept_count++];
	struct sockaddr_storage address;
	socklen_t length;
	int fd = open_socket(&targets[index], &randomness, SOCK_NONBLOCK, &address, &length);

	if (connect(fd, (void *)&address, length) && errno != EINPROGRESS)
		fail("begin a connection that goes on");
	wait_until(fd, POLLOUT);
	*one = (struct kept){ .fd = fd, .target = index };
	ask(one);
}

static void print_kept(uint64_t tcp_sent, uint64_t tcp_received)
{
	struct tallies now = ended;

	for (unsigned int i = 0; i < kept_count; i++) {
		struct tally *tally = &now.of[kept[i].target][kept[i].server];

		count_established(tally, kept[i].sent, kept[i].received);
	}
	printf("{\"tcpSent\":%lu,\"tcpReceived\":%lu,\"rows\":", tcp_sent, tcp_received);
	tallies_print(stdout, &now);
	printf("}\n");
}

void keep_tell(void)
{
	print_kept(0, 0);
}

/* To the targets of this kind in turn. */
void keep_open(unsigned int count)
{
	for (unsigned int index = 0; count; index = (index + 1) % target_count) {
		if (targets[index].kind != KIND_KEEPS)
			continue;
		if (kept_count == KEPT_MAX)
			fail("keep more connections");
		open_one(index);
		count--;
	}
	keep_tell();
}

void keep_talking(unsigned int rounds)
{
	for (; rounds; rounds--)
		for (unsigned int i = 0; i < kept_count; i++)
			ask(&kept[i]);
	keep_tell();
}

/* Without the SYN, which counts as a byte. Nothing is on its way: each answer has been read. */
static void add_tcp_bytes(int fd, uint64_t *sent, uint64_t *received)
{
	struct tcp_info info = {};
	socklen_t length = sizeof(info);

	if (getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &length))
		fail("ask what went by TCP");
	*sent += info.tcpi_bytes_acked - 1;
	*received += info.tcpi_bytes_received;
}

void keep_end(void)
{
	uint64_t tcp_sent = 0, tcp_received = 0;

	for (unsigned int i = 0; i < kept_count; i++) {
		struct tally *tally = &ended.of[kept[i].target][kept[i].server];

		add_tcp_bytes(kept[i].fd, &tcp_sent, &tcp_received);
		count_established(tally, kept[i].sent, kept[i].received);
		tally->closed++;
		close(kept[i].fd);
	}
	kept_count = 0;
	print_kept(tcp_sent, tcp_received);
}
