// SPDX-License-Identifier: Apache-2.0
/* Several threads at one socket. */
#define _GNU_SOURCE
#include "battery.h"

#include <stdatomic.h>

#define THREADS 4
#define MESSAGE_BYTES 1024
#define MESSAGES 64
#define BATCHES 8

struct message {
	uint32_t thread;
	uint32_t number;
	char bytes[MESSAGE_BYTES - 8];
};

struct writer {
	struct connection *connection;
	uint32_t thread;
	uint32_t sent;
};

static struct stream stream_of(const struct part *part, uint32_t thread, uint32_t number)
{
	return (struct stream){ .seed = part->seed + thread * 77 + ((uint64_t)number << 32) };
}

static void *write_messages(void *argument)
{
	struct writer *writer = argument;
	struct part *part = writer->connection->part;

	for (int i = 0; i < MESSAGES; i++) {
		struct message message = { writer->thread, writer->sent++, { 0 } };
		struct stream stream = stream_of(part, message.thread, message.number);

		stream_read(&stream, message.bytes, sizeof(message.bytes));
		expect_equal(part, "send of one message",
			     transmit(writer->connection, &message, sizeof(message), 0),
			     sizeof(message));
	}
	return NULL;
}

/*
 * Messages of one thread are not torn by those of another as long as there is room for all of them;
 * so the threads stop when the send buffer could be full.
 */
static void mt_writers_client(struct part *part)
{
	struct connection connection = open_connection(part);
	struct writer writers[THREADS];
	pthread_t threads[THREADS];

	set_option(part, connection.fd, SOL_SOCKET, SO_SNDBUF, 1 << 20);
	for (uint32_t i = 0; i < THREADS; i++)
		writers[i] = (struct writer){ &connection, i, 0 };
	for (int batch = 0; batch < BATCHES; batch++) {
		for (int i = 0; i < THREADS; i++)
			start_thread(part, &threads[i], write_messages, &writers[i]);
		for (int i = 0; i < THREADS; i++)
			pthread_join(threads[i], NULL);
		receive_stream(&connection, 1);
	}
}

static void check_message(struct part *part, const struct message *message, uint32_t *next)
{
	struct stream stream;

	if (message->thread >= THREADS)
		fail(part, "a message is torn: it begins with %08x", message->thread);
	expect_equal(part, "number of the message", message->number, next[message->thread]++);
	stream = stream_of(part, message->thread, message->number);
	stream_check(part, &stream, message->bytes, sizeof(message->bytes));
}

static void mt_writers_server(struct part *part)
{
	struct connection connection = open_connection(part);
	struct stream pauses = make_series(part, 5);
	uint32_t next[THREADS] = { 0 };
	struct message message;

	for (int i = 1; i <= BATCHES * THREADS * MESSAGES; i++) {
		for (size_t have = 0; have < sizeof(message);) {
			ssize_t got = receive(&connection, (char *)&message + have,
					      sizeof(message) - have, 0);

			if (done(part, "recv", got) == 0)
				fail(part, "end of the stream in the middle");
			have += got;
		}
		check_message(part, &message, next);
		if (!next_below(&pauses, 40))
			sleep_ms(2);
		if (i % (THREADS * MESSAGES) == 0)
			send_stream(&connection, 1);
	}
}

#define SUM_BYTES (MB)

struct reader {
	struct connection connection;
	atomic_size_t *total;
	atomic_ulong *sum;
};

static void *read_some(void *argument)
{
	struct reader *reader = argument;
	unsigned char bytes[1500];
	ssize_t got;

	while ((got = done(reader->connection.part, "recv",
			   receive(&reader->connection, bytes, sizeof(bytes), 0)))) {
		*reader->total += got;
		for (ssize_t i = 0; i < got; i++)
			*reader->sum += bytes[i];
	}
	return NULL;
}

static void mt_readers_client(struct part *part)
{
	struct connection connection = open_connection(part);

	sleep_ms(20);
	for (int i = 0; i < 64; i++) {
		send_stream(&connection, SUM_BYTES / 64);
		if (i % 16 == 0)
			sleep_ms(2);
	}
	done(part, "shutdown", shutdown(connection.fd, SHUT_WR));
	receive_all(&connection, 1);
}

/* Each byte goes to one of them, and the end to all. */
static void mt_readers_server(struct part *part)
{
	struct connection connection = open_connection(part);
	struct stream stream = connection.in;
	struct reader readers[THREADS];
	atomic_size_t total = 0;
	atomic_ulong sum = 0;
	unsigned long wanted = 0;
	pthread_t threads[THREADS];

	for (int i = 0; i < THREADS; i++) {
		readers[i] = (struct reader){ connection, &total, &sum };
		start_thread(part, &threads[i], read_some, &readers[i]);
	}
	for (int i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	for (size_t i = 0; i < SUM_BYTES; i++) {
		unsigned char byte;

		stream_read(&stream, &byte, 1);
		wanted += byte;
	}
	expect_equal(part, "bytes until the end", total, SUM_BYTES);
	expect_equal(part, "sum of the bytes", sum, wanted);
	send_stream(&connection, 1);
}

static void *send_three_mb(void *argument)
{
	for (int i = 0; i < 300; i++)
		send_stream(argument, 10 * KB);
	return NULL;
}

/* One thread reads, one writes, at both ends. */
static void mt_both_ways(struct part *part)
{
	struct connection connection = open_connection(part);
	pthread_t writer;

	start_thread(part, &writer, send_three_mb, &connection);
	receive_stream(&connection, 3000 * KB);
	pthread_join(writer, NULL);
	meet(part, "read");
}

static void *close_later(void *argument)
{
	sleep_ms(20);
	shutdown(((struct connection *)argument)->fd, SHUT_RDWR);
	return NULL;
}

/* The other thread is in the middle of a send that waits. */
static void mt_shutdown_client(struct part *part)
{
	struct connection connection = open_connection(part);
	pthread_t thread;
	ssize_t sent = 0;

	send_until_full(&connection, 10 * MB);
	start_thread(part, &thread, close_later, &connection);
	for (int i = 0; sent >= 0 && i < 1000; i++)
		sent = send_next(&connection, 0);
	expect_errno(part, "send after shutdown", sent, EPIPE);
	meet(part, "shut");
}

static void mt_shutdown_server(struct part *part)
{
	struct connection connection = open_connection(part);

	meet(part, "shut");
	receive_to_end(&connection);
}

const struct check threads_checks[] = {
	CHECK(mt_writers), CHECK(mt_readers), CHECK_OF_BOTH(mt_both_ways), CHECK(mt_shutdown), {},
};
