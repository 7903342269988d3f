// SPDX-License-Identifier: Apache-2.0
/* Clients, each with one request at a time. */
#define _GNU_SOURCE
#include "requests.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define THREADS_MAX 256
#define SERVERS_MAX 65536
#define TIMEOUT_S 30

struct worker {
	pthread_t thread;
	/* Of a run: how long each request took. */
	double *took_us;
	long count, room;
};

static const char *target_text;
static struct sockaddr_in target;
static struct worker workers[THREADS_MAX];
static int threads;
static _Atomic double until_us;
static atomic_bool stopped;

/* Of requests in the background; `lock` is for all of them. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t filled = PTHREAD_COND_INITIALIZER;
static struct {
	long number; /* of the window; 0: none is open */
	long wanted;
	long by[SERVERS_MAX]; /* by the low half of the server's address */
	long requests, failed;
	int error;
} background;

/* One request. Returns 0 or the errno; `server` is who answered. */
static int request(const struct sockaddr_in *from, struct in_addr *server)
{
	struct timeval limit = { .tv_sec = TIMEOUT_S };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), error = 0;
	ssize_t got;

	if (fd < 0)
		return errno;
	setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if ((from && bind(fd, (const struct sockaddr *)from, sizeof(*from))) ||
	    connect(fd, (const struct sockaddr *)&target, sizeof(target)) ||
	    send(fd, "?", 1, MSG_NOSIGNAL) != 1) {
		error = errno;
	} else {
		got = recv(fd, server, sizeof(*server), MSG_WAITALL);
		if (got != sizeof(*server))
			error = got < 0 ? errno : ECONNRESET;
	}
	close(fd);
	return error;
}

static void start_threads(int count, void *(*work)(void *))
{
	threads = count;
	for (int i = 0; i < count; i++) {
		errno = pthread_create(&workers[i].thread, NULL, work, &workers[i]);
		if (errno)
			fail("start", "a client");
	}
}

static void join_threads(void)
{
	for (int i = 0; i < threads; i++)
		pthread_join(workers[i].thread, NULL);
}

static void done(void)
{
	printf("{}\n");
}

/* --- run ------------------------------------------------------------------------------ */

static void *run_one(void *argument)
{
	struct worker *worker = argument;
	double start = now_us();

	while (start < until_us) {
		struct in_addr server;

		errno = request(NULL, &server);
		if (errno)
			fail("ask", target_text);
		if (worker->count == worker->room) {
			worker->room = worker->room ? worker->room * 2 : 1024;
			worker->took_us =
				realloc(worker->took_us, worker->room * sizeof(*worker->took_us));
			if (!worker->took_us)
				fail("keep", "times");
		}
		worker->took_us[worker->count++] = now_us() - start;
		start = now_us();
	}
	return NULL;
}

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

static void report(double *took_us, long count, double elapsed_us)
{
	static const struct {
		const char *name;
		double fraction;
	} quantiles[] = {
		{ "p50", 0.5 },	 { "p75", 0.75 }, { "p90", 0.9 },
		{ "p95", 0.95 }, { "p99", 0.99 }, { "p999", 0.999 },
	};

	qsort(took_us, count, sizeof(*took_us), compare);
	printf("{\"requests\":%ld,\"perSecond\":%.1f", count, count / elapsed_us * 1e6);
	for (size_t i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]); i++)
		printf(",\"%s\":%.1f", quantiles[i].name,
		       took_us[(long)(count * quantiles[i].fraction)]);
	printf("}\n");
}

static void run(int count, int milliseconds)
{
	double start = now_us(), *all;
	long total = 0, at = 0;

	memset(workers, 0, sizeof(workers));
	until_us = start + milliseconds * 1e3;
	start_threads(count, run_one);
	join_threads();
	for (int i = 0; i < count; i++)
		total += workers[i].count;
	all = calloc(total, sizeof(*all));
	if (!all)
		fail("keep", "times");
	for (int i = 0; i < count; i++) {
		memcpy(all + at, workers[i].took_us, workers[i].count * sizeof(*all));
		at += workers[i].count;
		free(workers[i].took_us);
	}
	report(all, total, now_us() - start);
	free(all);
}

/* --- in the background ---------------------------------------------------------------- */

static void tally(long number, int error, struct in_addr server)
{
	pthread_mutex_lock(&lock);
	background.requests++;
	if (error) {
		background.failed++;
		background.error = error;
	} else if (number && number == background.number && background.wanted > 0) {
		background.by[ntohl(server.s_addr) % SERVERS_MAX]++;
		if (--background.wanted == 0)
			pthread_cond_signal(&filled);
	}
	pthread_mutex_unlock(&lock);
}

static void *ask_on(void *argument)
{
	(void)argument;
	while (!stopped) {
		struct in_addr server = { 0 };
		long number;
		int error;

		pthread_mutex_lock(&lock);
		number = background.number;
		pthread_mutex_unlock(&lock);
		error = request(NULL, &server);
		tally(number, error, server);
	}
	return NULL;
}

static void window(long wanted)
{
	static long last;
	const char *comma = "";

	pthread_mutex_lock(&lock);
	memset(background.by, 0, sizeof(background.by));
	background.number = ++last;
	background.wanted = wanted;
	while (background.wanted > 0)
		pthread_cond_wait(&filled, &lock);
	background.number = 0;
	pthread_mutex_unlock(&lock);

	printf("{\"by\":{");
	for (int i = 0; i < SERVERS_MAX; i++) {
		if (!background.by[i])
			continue;
		printf("%s\"%d.%d\":%ld", comma, i >> 8, i & 255, background.by[i]);
		comma = ",";
	}
	printf("}}\n");
}

static void stop(void)
{
	stopped = true;
	join_threads();
	printf("{\"requests\":%ld,\"failed\":%ld,\"error\":\"%s\"}\n", background.requests,
	       background.failed, background.error ? strerrorname_np(background.error) : "");
}

/* --- from one address after the other --------------------------------------------------- */

static void sources(const char *first, int count)
{
	struct sockaddr_in from = parse_address(first);

	printf("{\"answers\":[");
	for (int i = 0; i < count; i++) {
		struct sockaddr_in one = from;
		char text[INET_ADDRSTRLEN];
		struct in_addr server;

		one.sin_addr.s_addr = htonl(ntohl(from.sin_addr.s_addr) + i);
		errno = request(&one, &server);
		if (errno)
			fail("ask", target_text);
		printf("%s\"%s\"", i ? "," : "", inet_ntop(AF_INET, &server, text, sizeof(text)));
	}
	printf("]}\n");
}

void ask(const char *text)
{
	char line[128], word[64];
	int one, other;

	target_text = text;
	target = parse_address(text);
	while (fgets(line, sizeof(line), stdin)) {
		if (sscanf(line, "run %d %d", &one, &other) == 2 && one <= THREADS_MAX)
			run(one, other);
		else if (sscanf(line, "start %d", &one) == 1 && one <= THREADS_MAX)
			start_threads(one, ask_on), done();
		else if (sscanf(line, "window %d", &one) == 1 && one > 0)
			window(one);
		else if (strcmp(line, "stop\n") == 0)
			stop();
		else if (sscanf(line, "sources %63s %d", word, &one) == 2)
			sources(word, one);
		else
			fprintf(stderr, "requests: bad command: %s", line), exit(2);
		fflush(stdout);
	}
}
