// SPDX-License-Identifier: Apache-2.0
/* Every byte once and in its place, from the instant of establishment. */
#include "battery.h"

#define MESSAGES 4
#define STREAM_BYTES (8 * MB)

static void exchange(struct connection *connection, unsigned int number, size_t limit);

/* Fresh connections, one after the other; both ends send before either reads. */
static void fresh_client(struct part *part, size_t limit)
{
	find_server(part);
	for (unsigned int i = 0; i < part->rounds; i++) {
		struct connection connection = connect_socket(part, make_socket(part), i);

		exchange(&connection, i, limit);
		close(connection.fd);
	}
}

static void fresh_server(struct part *part, size_t limit)
{
	int listener = make_listener(part);

	start_listening(part, listener);
	for (unsigned int i = 0; i < part->rounds; i++) {
		struct connection connection = accept_connection(part, listener, i);

		exchange(&connection, i, limit);
		receive_all(&connection, 0);
		close(connection.fd);
	}
}

static void exchange(struct connection *connection, unsigned int number, size_t limit)
{
	struct stream sizes = make_series(connection->part, number);
	size_t total = 0;

	for (int i = 0; i < MESSAGES; i++) {
		size_t size = 1 + next_below(&sizes, limit);

		send_stream(connection, size);
		total += size;
	}
	receive_stream(connection, total);
}

static void order_fresh_random_client(struct part *part)
{
	fresh_client(part, 3000);
}

static void order_fresh_random_server(struct part *part)
{
	fresh_server(part, 3000);
}

static void order_fresh_tiny_client(struct part *part)
{
	fresh_client(part, 4);
}

static void order_fresh_tiny_server(struct part *part)
{
	fresh_server(part, 4);
}

static void send_close_fresh_client(struct part *part)
{
	find_server(part);
	for (unsigned int i = 0; i < part->rounds; i++) {
		struct connection connection = connect_socket(part, make_socket(part), i);
		struct stream sizes = make_series(part, i);

		for (int message = 0; message < MESSAGES; message++)
			send_stream(&connection, 1 + next_below(&sizes, 2000));
		close(connection.fd);
	}
}

static void send_close_fresh_server(struct part *part)
{
	int listener = make_listener(part);

	start_listening(part, listener);
	for (unsigned int i = 0; i < part->rounds; i++) {
		struct connection connection = accept_connection(part, listener, i);
		struct stream sizes = make_series(part, i);
		size_t total = 0;

		for (int message = 0; message < MESSAGES; message++)
			total += 1 + next_below(&sizes, 2000);
		receive_all(&connection, total);
		close(connection.fd);
	}
}

/* Written to before it is accepted, and by the server as soon as it is. */
static void accept_delay_client(struct part *part)
{
	struct connection connection;

	find_server(part);
	connection = connect_socket(part, make_socket(part), 0);
	send_stream(&connection, 1000);
	meet(part, "sent");
	for (int i = 0; i < MESSAGES; i++)
		send_stream(&connection, 777);
	receive_stream(&connection, 5000);
	warm_up(&connection);
}

static void accept_delay_server(struct part *part)
{
	int listener = make_listener(part);
	struct connection connection;

	start_listening(part, listener);
	meet(part, "sent");
	sleep_ms(20);
	connection = accept_connection(part, listener, 0);
	for (int i = 0; i < 5; i++)
		send_stream(&connection, 1000);
	receive_stream(&connection, 1000 + MESSAGES * 777);
	warm_up(&connection);
}

/* Requests and answers of all sizes. */
static void order_sizes(struct part *part)
{
	struct connection connection = open_connection(part);
	struct stream sizes = make_series(part, 1);

	for (unsigned int i = 0; i < part->rounds; i++) {
		size_t limit = 1UL << (1 + next_below(&sizes, 17));
		size_t request = 1 + next_below(&sizes, limit);
		size_t reply = 1 + next_below(&sizes, limit);

		if (part->is_server)
			receive_stream(&connection, request);
		send_stream(&connection, part->is_server ? reply : request);
		if (!part->is_server)
			receive_stream(&connection, reply);
	}
}

static void *send_all(void *argument)
{
	struct connection *connection = argument;
	struct stream sizes = make_series(connection->part, connection->part->is_server);
	size_t sent = 0;

	while (sent < STREAM_BYTES) {
		size_t size = 1 + next_below(&sizes, 1UL << (4 + next_below(&sizes, 14)));

		if (size > STREAM_BYTES - sent)
			size = STREAM_BYTES - sent;
		send_stream(connection, size);
		sent += size;
	}
	return NULL;
}

/* Both directions at once, and readers that pause: buffers are full and empty again and again. */
static void order_stall_cycles(struct part *part)
{
	struct connection connection = open_connection(part);
	struct stream pauses = make_series(part, 7 + part->is_server);
	pthread_t sender;

	start_thread(part, &sender, send_all, &connection);
	for (size_t got = 0; got < STREAM_BYTES; got += 256 * KB) {
		receive_stream(&connection, 256 * KB);
		sleep_ms(next_below(&pauses, 8));
	}
	pthread_join(sender, NULL);
	meet(part, "everything has arrived");
}

/* It sleeps in recv when the connection is established. */
static void recv_while_connecting_client(struct part *part)
{
	find_server(part);
	for (unsigned int i = 0; i < part->rounds; i++) {
		struct connection connection;
		int fd = make_socket(part);

		set_non_blocking(part, fd, true);
		if (connect(fd, (void *)&part->address, part->address_length) &&
		    errno != EINPROGRESS)
			done(part, "connect", -1);
		set_non_blocking(part, fd, part->mode == EVENT_LOOP);
		connection = make_connection(part, fd, i);
		receive_stream(&connection, 700);
		close(fd);
	}
}

static void recv_while_connecting_server(struct part *part)
{
	int listener = make_listener(part);

	start_listening(part, listener);
	for (unsigned int i = 0; i < part->rounds; i++) {
		struct connection connection = accept_connection(part, listener, i);

		send_stream(&connection, 300);
		sleep_ms(i % 3 == 2);
		send_stream(&connection, 400);
		receive_all(&connection, 0);
		close(connection.fd);
	}
}

const struct check order_checks[] = {
	CHECK(order_fresh_random),    CHECK(order_fresh_tiny),
	CHECK(send_close_fresh),      CHECK(accept_delay),
	CHECK_OF_BOTH(order_sizes),   CHECK_OF_BOTH(order_stall_cycles),
	CHECK(recv_while_connecting), {},
};
