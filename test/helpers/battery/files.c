// SPDX-License-Identifier: Apache-2.0
/* Other ways to write: from files, without a copy, from many places, and held back. */
#define _GNU_SOURCE
#include "battery.h"

#include <linux/errqueue.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/uio.h>

#define FILE_BYTES (2 * MB)

/* A file of the next bytes of the stream. */
static int make_file(struct connection *connection, size_t length)
{
	struct part *part = connection->part;
	int fd = done(part, "memfd_create", memfd_create("bytes", MFD_CLOEXEC));
	char *bytes;

	done(part, "ftruncate", ftruncate(fd, length));
	bytes = mmap(NULL, length, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (bytes == MAP_FAILED)
		fail(part, "mmap: %m");
	stream_read(&connection->out, bytes, length);
	munmap(bytes, length);
	return fd;
}

static void sendfile_client(struct part *part)
{
	struct connection connection = open_connection(part);
	int file;

	send_stream(&connection, 123);
	file = make_file(&connection, FILE_BYTES);
	for (size_t left = FILE_BYTES; left;) {
		ssize_t sent;

		await_events(&connection, POLLOUT);
		sent = sendfile(connection.fd, file, NULL, left);
		if (sent < 0 && errno == EAGAIN && part->mode == EVENT_LOOP)
			continue;
		left -= done(part, "sendfile", sent);
	}
	send_stream(&connection, 321);
	close(connection.fd);
}

static void sendfile_server(struct part *part)
{
	struct connection connection = open_connection(part);

	receive_all(&connection, 123 + FILE_BYTES + 321);
}

#define PARTS 600
#define PART_BYTES 37

static void iovecs_client(struct part *part)
{
	struct connection connection = open_connection(part);
	static char bytes[PARTS * PART_BYTES];
	struct iovec parts[PARTS];

	for (int round = 0; round < 20; round++) {
		stream_read(&connection.out, bytes, sizeof(bytes));
		for (int i = 0; i < PARTS; i++)
			parts[i] = (struct iovec){ bytes + i * PART_BYTES, PART_BYTES };
		await_events(&connection, POLLOUT);
		expect_equal(part, "writev", writev(connection.fd, parts, PARTS), sizeof(bytes));
		receive_stream(&connection, 1);
	}
}

static void iovecs_server(struct part *part)
{
	struct connection connection = open_connection(part);
	static char bytes[PARTS * PART_BYTES];
	struct iovec parts[PARTS];

	for (int i = 0; i < PARTS; i++)
		parts[i] = (struct iovec){ bytes + i * PART_BYTES, PART_BYTES };
	for (int round = 0; round < 20; round++) {
		for (size_t left = sizeof(bytes); left;) {
			int count = (left + PART_BYTES - 1) / PART_BYTES;
			ssize_t got;

			parts[count - 1].iov_len = left - (count - 1) * PART_BYTES;
			await_events(&connection, POLLIN);
			got = done(part, "readv", readv(connection.fd, parts, count));
			parts[count - 1].iov_len = PART_BYTES;
			stream_check(part, &connection.in, bytes, got);
			left -= got;
		}
		send_stream(&connection, 1);
	}
}

static void sendmmsg_client(struct part *part)
{
	struct connection connection = open_connection(part);
	char bytes[8][1000];
	struct mmsghdr messages[8] = { 0 };
	struct iovec texts[8];

	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < 8; i++) {
			stream_read(&connection.out, bytes[i], 1000);
			texts[i] = (struct iovec){ bytes[i], 1000 };
			messages[i].msg_hdr.msg_iov = &texts[i];
			messages[i].msg_hdr.msg_iovlen = 1;
		}
		expect_equal(part, "sendmmsg", sendmmsg(connection.fd, messages, 8, 0), 8);
		receive_stream(&connection, 1);
	}
}

static void sendmmsg_server(struct part *part)
{
	struct connection connection = open_connection(part);

	for (int round = 0; round < 20; round++) {
		receive_stream(&connection, 8000);
		send_stream(&connection, 1);
	}
}

/* What is corked goes out with the cork, in time. */
static void cork_client(struct part *part)
{
	struct connection connection = open_connection(part);

	for (int round = 0; round < 10; round++) {
		set_option(part, connection.fd, IPPROTO_TCP, TCP_CORK, 1);
		for (int i = 0; i < 30; i++)
			send_stream(&connection, 100 + i);
		set_option(part, connection.fd, IPPROTO_TCP, TCP_CORK, 0);
		receive_stream(&connection, 2);
	}
}

static void cork_server(struct part *part)
{
	struct connection connection = open_connection(part);

	for (int round = 0; round < 10; round++) {
		receive_stream(&connection, 30 * 100 + 29 * 15);
		send_stream(&connection, 2);
	}
}

static void nodelay(struct part *part)
{
	struct connection connection = open_connection(part);

	set_option(part, connection.fd, IPPROTO_TCP, TCP_NODELAY, 1);
	for (int round = 0; round < 20; round++) {
		for (int i = 0; i < 10; i++)
			send_stream(&connection, 3);
		receive_stream(&connection, 30);
	}
}

/* Notifications that tell which sends are done: each number once. */
static unsigned int read_completions(struct connection *connection, unsigned int next)
{
	char space[128];
	struct msghdr message = { .msg_control = space, .msg_controllen = sizeof(space) };
	struct sock_extended_err *error;

	if (recvmsg(connection->fd, &message, MSG_ERRQUEUE | MSG_DONTWAIT) < 0)
		return next;
	error = (void *)CMSG_DATA(CMSG_FIRSTHDR(&message));
	expect_equal(connection->part, "origin", error->ee_origin, SO_EE_ORIGIN_ZEROCOPY);
	expect_equal(connection->part, "first completion", error->ee_info, next);
	return error->ee_data + 1;
}

static void msg_zerocopy_client(struct part *part)
{
	struct connection connection = open_connection(part);
	unsigned int sends = 0, next = 0;
	char *bytes = malloc(20 * 20 * KB), *at = bytes;

	set_option(part, connection.fd, SOL_SOCKET, SO_ZEROCOPY, 1);
	for (int round = 0; round < 20; round++) {
		stream_read(&connection.out, at, 20 * KB);
		for (char *end = at + 20 * KB; at < end; sends++)
			at += done(part, "send with MSG_ZEROCOPY",
				   transmit(&connection, at, end - at, MSG_ZEROCOPY));
		receive_stream(&connection, 1);
	}
	for (int64_t end = now_ms() + 2000; next < sends && now_ms() < end; sleep_ms(1))
		next = read_completions(&connection, next);
	sleep_ms(20);
	expect_equal(part, "completions", read_completions(&connection, next), sends);
	free(bytes);
}

static void msg_zerocopy_server(struct part *part)
{
	struct connection connection = open_connection(part);

	for (int round = 0; round < 20; round++) {
		receive_stream(&connection, 20 * KB);
		send_stream(&connection, 1);
	}
}

const struct check files_checks[] = {
	CHECK(sendfile),
	CHECK(iovecs),
	CHECK(sendmmsg),
	CHECK(cork),
	CHECK_OF_BOTH(nodelay),
	CHECK(msg_zerocopy),
	{},
};
