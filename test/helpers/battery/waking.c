// SPDX-License-Identifier: Apache-2.0
/* What wakes a reader that sleeps, and what must not. */
#define _GNU_SOURCE
#include "battery.h"

#include <signal.h>

/* By then the reader sleeps. */
#define ASLEEP_MS 30

static void recv_asleep_client(struct part *part)
{
	struct connection connection = open_connection(part);

	for (int i = 0; i < 5; i++) {
		sleep_ms(ASLEEP_MS);
		send_stream(&connection, 100 + i);
	}
	receive_stream(&connection, 1);
}

static void recv_asleep_server(struct part *part)
{
	struct connection connection = open_connection(part);

	for (int i = 0; i < 5; i++)
		receive_stream(&connection, 100 + i);
	send_stream(&connection, 1);
}

static void wake_recv_rst_client(struct part *part)
{
	struct connection connection = open_connection(part);
	char byte;

	expect_errno(part, "recv", receive(&connection, &byte, 1, 0), ECONNRESET);
}

static void wake_recv_rst_server(struct part *part)
{
	struct connection connection = open_connection(part);

	sleep_ms(ASLEEP_MS);
	reset(&connection);
}

static void wake_recv_fin_client(struct part *part)
{
	struct connection connection = open_connection(part);

	receive_all(&connection, 0);
}

static void wake_recv_fin_server(struct part *part)
{
	struct connection connection = open_connection(part);

	sleep_ms(ASLEEP_MS);
	close(connection.fd);
}

struct shut {
	int fd;
	int how;
};

static void *shut_later(void *argument)
{
	struct shut *shut = argument;

	sleep_ms(ASLEEP_MS);
	shutdown(shut->fd, shut->how);
	return NULL;
}

static void wake_recv_shutdown_client(struct part *part)
{
	struct connection connection = open_connection(part);
	struct shut shut = { connection.fd, SHUT_RD };
	pthread_t thread;

	start_thread(part, &thread, shut_later, &shut);
	receive_all(&connection, 0);
	meet(part, "over");
}

static void wake_recv_shutdown_server(struct part *part)
{
	open_connection(part);
	meet(part, "over");
}

/* Closing one's own half ends no wait for the other's, nor does the ACK of it. */
static void own_shutdown_while_reading_client(struct part *part)
{
	struct connection connection = open_connection(part);
	struct shut shut = { connection.fd, SHUT_WR };
	pthread_t thread;

	start_thread(part, &thread, shut_later, &shut);
	receive_all(&connection, 2000);
}

static void own_shutdown_while_reading_server(struct part *part)
{
	struct connection connection = open_connection(part);

	receive_all(&connection, 0);
	sleep_ms(ASLEEP_MS);
	send_stream(&connection, 2000);
}

static volatile sig_atomic_t signals;

static void on_signal(int number)
{
	(void)number;
	signals++;
}

static void *signal_later(void *argument)
{
	sleep_ms(ASLEEP_MS);
	pthread_kill(*(pthread_t *)argument, SIGUSR1);
	return NULL;
}

static void catch_signal(int flags)
{
	struct sigaction action = { .sa_handler = on_signal, .sa_flags = flags };

	sigaction(SIGUSR1, &action, NULL);
}

static void signal_blocked_recv_client(struct part *part)
{
	struct connection connection = open_connection(part);
	pthread_t self = pthread_self(), thread;
	char byte;

	catch_signal(0);
	start_thread(part, &thread, signal_later, &self);
	expect_errno(part, "recv", recv(connection.fd, &byte, 1, 0), EINTR);
	catch_signal(SA_RESTART);
	start_thread(part, &thread, signal_later, &self);
	meet(part, "again");
	receive_stream(&connection, 100);
	expect_equal(part, "signals", signals, 2);
}

static void signal_blocked_recv_server(struct part *part)
{
	struct connection connection = open_connection(part);

	meet(part, "again");
	sleep_ms(2 * ASLEEP_MS);
	send_stream(&connection, 100);
	receive_to_end(&connection);
}

/* Two ends that both sleep in recv most of the time, in turns. */
static void sleeping_turns(struct part *part)
{
	struct connection connection = open_connection(part);

	for (unsigned int i = 0; i < part->rounds; i++) {
		if (part->is_server)
			receive_stream(&connection, 1 + i % 97);
		send_stream(&connection, 1 + i % 97);
		if (!part->is_server)
			receive_stream(&connection, 1 + i % 97);
	}
}

const struct check waking_checks[] = {
	CHECK(recv_asleep),
	CHECK(wake_recv_rst),
	CHECK(wake_recv_fin),
	CHECK(wake_recv_shutdown),
	CHECK(own_shutdown_while_reading),
	CHECK_BLOCKING(signal_blocked_recv),
	CHECK_OF_BOTH(sleeping_turns),
	{},
};
