// SPDX-License-Identifier: Apache-2.0
/* Connections whose process is killed (SIGKILL). */
#define _GNU_SOURCE
#include "battery.h"

#include <signal.h>
#include <sys/wait.h>

static pid_t fork_writer(struct connection *connection, size_t bytes, size_t size)
{
	pid_t pid = fork();

	if (!pid) {
		for (size_t sent = 0; sent < bytes; sent += size)
			send_stream(connection, size);
		for (;;)
			pause();
	}
	close(connection->fd);
	return pid;
}

static void kill_child(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void kill9_writer_client(struct part *part)
{
	struct connection connection = open_connection(part);
	pid_t pid = fork_writer(&connection, 30 * KB, 3 * KB);

	meet(part, "arrived");
	kill_child(pid);
}

static void kill9_writer_server(struct part *part)
{
	struct connection connection = open_connection(part);

	await_unread(&connection, 30 * KB);
	meet(part, "arrived");
	receive_all(&connection, 30 * KB);
}

static void kill9_stream_client(struct part *part)
{
	struct connection connection = open_connection(part);
	pid_t pid = fork_writer(&connection, 1UL << 40, 9999);

	meet(part, "under way");
	sleep_ms(20 + part->seed % 30);
	kill_child(pid);
}

static void kill9_stream_server(struct part *part)
{
	struct connection connection = open_connection(part);

	receive_stream(&connection, 100 * KB);
	meet(part, "under way");
	receive_to_end(&connection);
}

static void kill9_reader_client(struct part *part)
{
	struct connection connection = open_connection(part);
	char byte;

	send_stream(&connection, 1000);
	meet(part, "killed");
	expect_equal(part, "recv", receive(&connection, &byte, 1, 0), 0);
}

static void kill9_reader_server(struct part *part)
{
	struct connection connection = open_connection(part);
	int ready[2];
	pid_t pid;
	char byte;

	done(part, "pipe", pipe(ready));
	pid = fork();
	if (!pid) {
		receive_stream(&connection, 1000);
		done(part, "write", write(ready[1], "x", 1));
		receive_stream(&connection, 1);
	}
	close(connection.fd);
	done(part, "read", read(ready[0], &byte, 1));
	kill_child(pid);
	meet(part, "killed");
}

/* A copy in a child keeps the connection open until that ends. */
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
	kill_child(pid);
}

static void fork_holds_server(struct part *part)
{
	struct connection connection = open_connection(part);
	struct pollfd readable = { .fd = connection.fd, .events = POLLIN };

	receive_stream(&connection, 1000);
	meet(part, "closed");
	expect_equal(part, "poll before the end", poll(&readable, 1, 50), 0);
	meet(part, "still open");
	receive_all(&connection, 0);
}

const struct check killed_checks[] = {
	CHECK(kill9_writer), CHECK(kill9_stream), CHECK(kill9_reader), CHECK(fork_holds), {},
};
