// SPDX-License-Identifier: Apache-2.0
/* One connection, several descriptors: copies, children, and other processes that it is given to. */
#define _GNU_SOURCE
#include "request.h"

#include <fcntl.h>
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
	receive_all(&connection, 0);
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

/* As a supervisor gives connections to workers that were there before. */
static void scm_rights_server(struct part *part)
{
	struct connection connection;
	int pair[2];
	pid_t pid;

	done(part, "socketpair", socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair));
	pid = fork();
	if (!pid) {
		int fd = receive_descriptor(pair[1], &connection, sizeof(connection));

		connection.part = part;
		connection.fd = done(part, "recvmsg", fd);
		echo_rounds(&connection, 10, 20);
		_exit(0);
	}
	connection = open_connection(part);
	echo_rounds(&connection, 0, 10);
	send_descriptor(pair[0], connection.fd, &connection, sizeof(connection));
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
	receive_all(&connection, 1);
}

static void fork_turns_server(struct part *part)
{
	struct connection connection = open_connection(part);

	receive_all(&connection, 40 * 3000);
	send_stream(&connection, 1);
}

const struct check descriptors_checks[] = {
	CHECK(fork_child), CHECK(dup),	      CHECK(dup_then_close),
	CHECK(scm_rights), CHECK(fork_turns), {},
};
