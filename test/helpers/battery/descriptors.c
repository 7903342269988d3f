// SPDX-License-Identifier: Apache-2.0
/* One connection, several descriptors: copies, children, and other processes that it is given to. */
#define _GNU_SOURCE
#include "battery.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/wait.h>

static void await_child(struct part *part, pid_t pid)
{
	int status = -1;

	done(part, "waitpid", waitpid(pid, &status, 0));
	expect_equal(part, "exit status of the child", status, 0);
}

static void echo_client(struct part *part)
{
	struct connection connection = open_connection(part);

	for (int i = 0; i < 20; i++) {
		send_stream(&connection, 500 + i);
		receive_stream(&connection, 500 + i);
	}
	expect_equal(part, "bytes until the end", receive_to_end(&connection), 0);
}

static void echo_rounds(struct connection *connection, int from, int to)
{
	for (int i = from; i < to; i++) {
		receive_stream(connection, 500 + i);
		send_stream(connection, 500 + i);
	}
}

#define fork_child_client echo_client
#define dup_client echo_client
#define scm_rights_client echo_client
#define dup_then_close_client echo_client

/* The parent accepts, the child serves: the connection ends with the last of them. */
static void fork_child_server(struct part *part)
{
	struct connection connection = open_connection(part);
	pid_t pid;

	echo_rounds(&connection, 0, 10);
	pid = fork();
	if (!pid) {
		echo_rounds(&connection, 10, 20);
		_exit(0);
	}
	await_child(part, pid);
}

static void dup_server(struct part *part)
{
	struct connection connection = open_connection(part);
	struct connection copy = connection;

	copy.fd = done(part, "dup", dup(connection.fd));
	for (int i = 0; i < 20; i++) {
		receive_stream(&connection, 500 + i);
		copy.out = connection.out;
		send_stream(&copy, 500 + i);
		connection.out = copy.out;
	}
}

static void dup_then_close_server(struct part *part)
{
	struct connection connection = open_connection(part);
	int copy;

	echo_rounds(&connection, 0, 10);
	copy = done(part, "dup", fcntl(connection.fd, F_DUPFD_CLOEXEC, 100));
	close(connection.fd);
	sleep_ms(10);
	connection.fd = copy;
	echo_rounds(&connection, 10, 20);
}

static void send_descriptor(struct part *part, int over, int fd)
{
	char space[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec text = { "x", 1 };
	struct msghdr message = { .msg_iov = &text,
				  .msg_iovlen = 1,
				  .msg_control = space,
				  .msg_controllen = sizeof(space) };
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);

	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &fd, sizeof(int));
	expect_equal(part, "sendmsg", sendmsg(over, &message, 0), 1);
}

static int receive_descriptor(struct part *part, int over)
{
	char space[CMSG_SPACE(sizeof(int))], byte;
	struct iovec text = { &byte, 1 };
	struct msghdr message = { .msg_iov = &text,
				  .msg_iovlen = 1,
				  .msg_control = space,
				  .msg_controllen = sizeof(space) };
	int fd;

	expect_equal(part, "recvmsg", recvmsg(over, &message, 0), 1);
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&message)), sizeof(int));
	return fd;
}

/* As a supervisor gives connections to workers that were there before. */
static void scm_rights_server(struct part *part)
{
	struct connection connection;
	int pair[2];
	pid_t pid;

	done(part, "socketpair", socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
	pid = fork();
	if (!pid) {
		connection.part = part;
		read(pair[1], &connection, sizeof(connection));
		connection.fd = receive_descriptor(part, pair[1]);
		echo_rounds(&connection, 10, 20);
		_exit(0);
	}
	connection = open_connection(part);
	echo_rounds(&connection, 0, 10);
	done(part, "write", write(pair[0], &connection, sizeof(connection)));
	send_descriptor(part, pair[0], connection.fd);
	close(connection.fd);
	await_child(part, pid);
}

/* Parent and child write in turns to what they both have. */
static void fork_turns_client(struct part *part)
{
	struct connection connection = open_connection(part);

	for (int i = 0; i < 40; i++) {
		pid_t pid = i % 2 ? fork() : -1;

		if (pid <= 0)
			send_stream(&connection, 3000);
		if (!pid)
			_exit(0);
		if (pid > 0) {
			await_child(part, pid);
			connection.out.offset += 3000;
		}
	}
	done(part, "shutdown", shutdown(connection.fd, SHUT_WR));
	expect_equal(part, "bytes until the end", receive_to_end(&connection), 1);
}

static void fork_turns_server(struct part *part)
{
	struct connection connection = open_connection(part);

	expect_equal(part, "bytes until the end", receive_to_end(&connection), 40 * 3000);
	send_stream(&connection, 1);
}

/* A copy in a child keeps the connection open; shutdown ends it all the same. */
static void fork_holds_client(struct part *part)
{
	struct connection connection = open_connection(part);
	pid_t pid = fork();

	if (!pid)
		for (;;)
			pause();
	send_stream(&connection, 1000);
	close(connection.fd);
	meet(part, "closed");
	meet(part, "still open");
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void fork_holds_server(struct part *part)
{
	struct connection connection = open_connection(part);
	struct pollfd readable = { .fd = connection.fd, .events = POLLIN };

	receive_stream(&connection, 1000);
	meet(part, "closed");
	expect_equal(part, "poll before the end", poll(&readable, 1, 50), 0);
	meet(part, "still open");
	expect_equal(part, "bytes until the end", receive_to_end(&connection), 0);
}

const struct check descriptors_checks[] = {
	CHECK(fork_child), CHECK(dup), CHECK(dup_then_close), CHECK(scm_rights), CHECK(fork_turns),
	CHECK(fork_holds), {},
};
