// SPDX-License-Identifier: Apache-2.0
/* Commands of the socket shell: what goes through a socket. */
#define _GNU_SOURCE
#include "shell.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

static char received[TEXT_MAX];

/* TCP fast open: the connect happens inside sendto. */
static void do_fastopen(struct reply *reply, char **arguments)
{
	int fd = atoi(arguments[0]);
	struct sockaddr_storage address;
	socklen_t length = want_address(reply, arguments + 1, &address);
	size_t size = decode_text(arguments[3]);

	if (!length)
		return;
	set_time_limit(fd, SO_SNDTIMEO, TIMEOUT_MS);
	answer(reply, fd, sendto(fd, arguments[3], size, MSG_FASTOPEN, (void *)&address, length));
}

static void do_send(struct reply *reply, char **arguments)
{
	int fd = atoi(arguments[0]);
	size_t size = decode_text(arguments[1]);

	set_time_limit(fd, SO_SNDTIMEO, TIMEOUT_MS);
	answer(reply, fd, send(fd, arguments[1], size, MSG_NOSIGNAL));
}

static void do_sendto(struct reply *reply, char **arguments)
{
	int fd = atoi(arguments[0]);
	struct sockaddr_storage address;
	socklen_t length = want_address(reply, arguments + 1, &address);
	size_t size = decode_text(arguments[3]);

	if (!length)
		return;
	set_time_limit(fd, SO_SNDTIMEO, TIMEOUT_MS);
	answer(reply, fd, sendto(fd, arguments[3], size, MSG_NOSIGNAL, (void *)&address, length));
}

/* sendmsg with a name, or with none when the address is `-`. */
static void do_sendmsg(struct reply *reply, char **arguments)
{
	int fd = atoi(arguments[0]);
	struct sockaddr_storage address;
	bool named = strcmp(arguments[1], "-") != 0;
	socklen_t length = named ? want_address(reply, arguments + 1, &address) : 0;
	struct iovec data = { .iov_base = arguments[3], .iov_len = decode_text(arguments[3]) };
	struct msghdr message = {
		.msg_name = named ? &address : NULL,
		.msg_namelen = length,
		.msg_iov = &data,
		.msg_iovlen = 1,
	};

	if (named && !length)
		return;
	set_time_limit(fd, SO_SNDTIMEO, TIMEOUT_MS);
	answer(reply, fd, sendmsg(fd, &message, MSG_NOSIGNAL));
}

static void answer_received(struct reply *reply, int fd, ssize_t size,
			    const struct sockaddr_storage *from)
{
	if (size < 0) {
		reply_errno(reply, fd);
		return;
	}
	reply_string(reply, "text", received, size);
	if (from)
		reply_address(reply, from);
}

static void do_recv(struct reply *reply, char **arguments)
{
	int fd = atoi(arguments[0]);

	set_time_limit(fd, SO_RCVTIMEO, limit_of(arguments[1]));
	answer_received(reply, fd, recv(fd, received, sizeof(received), 0), NULL);
}

static void do_recvfrom(struct reply *reply, char **arguments)
{
	int fd = atoi(arguments[0]);
	struct sockaddr_storage from = {};
	socklen_t length = sizeof(from);
	ssize_t size;

	set_time_limit(fd, SO_RCVTIMEO, limit_of(arguments[1]));
	size = recvfrom(fd, received, sizeof(received), 0, (void *)&from, &length);
	answer_received(reply, fd, size, &from);
}

static void do_recvmsg(struct reply *reply, char **arguments)
{
	int fd = atoi(arguments[0]);
	struct sockaddr_storage from = {};
	struct iovec data = { .iov_base = received, .iov_len = sizeof(received) };
	struct msghdr message = {
		.msg_name = &from, .msg_namelen = sizeof(from), .msg_iov = &data, .msg_iovlen = 1
	};
	ssize_t size;

	set_time_limit(fd, SO_RCVTIMEO, limit_of(arguments[1]));
	size = recvmsg(fd, &message, 0);
	answer_received(reply, fd, size, &from);
}

/* Sends BYTES to a peer that echoes and reads them back, both ways at once, so that no buffer can fill up for good. */
static void do_exchange(struct reply *reply, char **arguments)
{
	int fd = atoi(arguments[0]);
	long bytes = atol(arguments[1]), sent = 0, got = 0;
	int64_t until = now_micros() + limit_of(arguments[2]) * 1000;

	memset(received, 'x', sizeof(received));
	while (got < bytes) {
		struct pollfd wait = { .fd = fd, .events = POLLIN | (sent < bytes ? POLLOUT : 0) };
		int64_t left = until - now_micros();
		ssize_t size;

		if (left <= 0 || poll(&wait, 1, left / 1000 + 1) == 0) {
			reply_error(reply, "TIMEOUT");
			break;
		}
		if (wait.revents & POLLOUT && sent < bytes) {
			long part = bytes - sent < TEXT_MAX ? bytes - sent : TEXT_MAX;

			size = send(fd, received, part, MSG_DONTWAIT | MSG_NOSIGNAL);
			if (size > 0)
				sent += size;
		}
		size = recv(fd, received, sizeof(received), MSG_DONTWAIT);
		if (size == 0 || (size < 0 && errno != EAGAIN)) {
			reply_error(reply, size ? strerrorname_np(errno) : "EOF");
			break;
		}
		if (size > 0)
			got += size;
	}
	reply_number(reply, "sent", sent);
	reply_number(reply, "received", got);
}

const struct command transfer_commands[] = {
	{ "fastopen", "FD ADDRESS PORT [TEXT]", 3, 4, do_fastopen, NULL },
	{ "send", "FD [TEXT]", 1, 2, do_send, NULL },
	{ "sendto", "FD ADDRESS PORT [TEXT]", 3, 4, do_sendto, NULL },
	{ "sendmsg", "FD ADDRESS|- PORT|- [TEXT]", 3, 4, do_sendmsg, NULL },
	{ "recv", "FD [MS]", 1, 2, do_recv, NULL },
	{ "recvfrom", "FD [MS]", 1, 2, do_recvfrom, NULL },
	{ "recvmsg", "FD [MS]", 1, 2, do_recvmsg, NULL },
	{ "exchange", "FD BYTES [MS]", 2, 3, do_exchange, NULL },
	{},
};
