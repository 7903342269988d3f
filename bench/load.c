// SPDX-License-Identifier: Apache-2.0
/*
 * The load of the connection benchmark: a server that answers each connection with one byte, and
 * a client that connects, reads that byte and closes.
 *
 *   load serve ADDRESS PORT            prints "ready", serves until its standard input ends
 *   load connect ADDRESS:PORT...       reads lines "CONNECTS THREADS CPU", answers each with one
 *                                      line of JSON (latencies in microseconds), ends with its input;
 *                                      "hold CONNECTS" opens as many and keeps them until then
 *
 * The client closes first and in the usual way, FIN and not RST: real clients do, and each of
 * those packets passes whatever rules the node holds. That leaves a TIME_WAIT socket per
 * connection, so the namespace of the client needs a wide port range and tcp_tw_reuse.
 *
 * Targets are taken in turn, so that no one place in a rule list stands for all of them. A failed
 * connection ends the program: a benchmark with errors in it measures something else.
 */
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define TARGETS_MAX 1024
#define THREADS_MAX 64
#define CONNECTS_MAX 1000000
#define HELD_MAX 1000	 /* most shells give a process 1024 descriptors */
#define COMMAND_S_MAX 60 /* a command that takes longer hangs: SIGALRM ends the program */
#define SERVER_BACKLOG 4096
#define EVENTS_MAX 64

struct target {
	char text[64];
	struct sockaddr_in address;
};

struct worker {
	pthread_t thread;
	pthread_barrier_t *start;
	double *latencies_us;
	int connects;
	int first_target;
	int cpu;
};

static struct target targets[TARGETS_MAX];
static int target_count;

static void serve(const char *address, const char *port);
static void run_commands(void);

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "serve") == 0) {
		serve(argv[2], argv[3]);
		return 0;
	}
	if (argc < 3 || argc - 2 > TARGETS_MAX || strcmp(argv[1], "connect") != 0) {
		fprintf(stderr, "usage: load serve ADDRESS PORT | load connect ADDRESS:PORT...\n");
		return 2;
	}
	for (int i = 2; i < argc; i++) {
		struct target *target = &targets[target_count++];
		char *colon;

		snprintf(target->text, sizeof(target->text), "%s", argv[i]);
		colon = strchr(argv[i], ':');
		if (colon)
			*colon = '\0';
		target->address.sin_family = AF_INET;
		target->address.sin_port = htons(colon ? atoi(colon + 1) : 0);
		if (!colon || inet_pton(AF_INET, argv[i], &target->address.sin_addr) != 1) {
			fprintf(stderr, "load: %s is not ADDRESS:PORT\n", target->text);
			return 2;
		}
	}
	run_commands();
	return 0;
}

static void fail(const char *what, const char *where)
{
	fprintf(stderr, "load: %s %s: %s\n", what, where, strerror(errno));
	exit(1);
}

/* --- server --------------------------------------------------------------------------- */

static void watch(int epoll, int fd)
{
	struct epoll_event event = { .events = EPOLLIN, .data.fd = fd };

	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event))
		fail("watch", "a descriptor");
}

static int listen_at(const char *address, const char *port)
{
	struct sockaddr_in name = { .sin_family = AF_INET, .sin_port = htons(atoi(port)) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK, 0);
	int on = 1;

	if (inet_pton(AF_INET, address, &name.sin_addr) != 1) {
		fprintf(stderr, "load: %s is not an address\n", address);
		exit(2);
	}
	if (fd < 0 || setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on)) ||
	    bind(fd, (struct sockaddr *)&name, sizeof(name)) || listen(fd, SERVER_BACKLOG))
		fail("listen at", address);
	return fd;
}

static void greet_waiting(int epoll, int listener)
{
	for (;;) {
		int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);

		if (fd < 0)
			return;
		/* A client that has gone already is its own witness: nothing to do about it here. */
		if (write(fd, "x", 1) != 1) {
			close(fd);
			continue;
		}
		watch(epoll, fd);
	}
}

static void serve(const char *address, const char *port)
{
	int listener = listen_at(address, port);
	int epoll = epoll_create1(0);
	struct epoll_event events[EVENTS_MAX];
	char bytes[64];

	watch(epoll, listener);
	watch(epoll, STDIN_FILENO);
	printf("ready\n");
	fflush(stdout);
	for (;;) {
		int count = epoll_wait(epoll, events, EVENTS_MAX, -1);

		for (int i = 0; i < count; i++) {
			int fd = events[i].data.fd;

			if (fd == listener)
				greet_waiting(epoll, listener);
			else if (read(fd, bytes, sizeof(bytes)) > 0)
				continue;
			else if (fd == STDIN_FILENO)
				return;
			else
				close(fd);
		}
	}
}

/* --- client --------------------------------------------------------------------------- */

static double now_us(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1e6 + now.tv_nsec / 1e3;
}

static int open_connection(const struct target *target)
{
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	char byte;

	if (fd < 0 ||
	    connect(fd, (const struct sockaddr *)&target->address, sizeof(target->address)))
		fail("connect to", target->text);
	if (read(fd, &byte, 1) != 1)
		fail("read from", target->text);
	return fd;
}

static double connect_once(const struct target *target)
{
	double start = now_us();

	close(open_connection(target));
	return now_us() - start;
}

static void hold(int connects)
{
	for (int i = 0; i < connects; i++)
		open_connection(&targets[i % target_count]);
	printf("{}\n");
	fflush(stdout);
}

static void *work(void *argument)
{
	struct worker *worker = argument;
	cpu_set_t cpus;

	CPU_ZERO(&cpus);
	CPU_SET(worker->cpu, &cpus);
	if (sched_setaffinity(0, sizeof(cpus), &cpus))
		fail("stay on", "a CPU");
	pthread_barrier_wait(worker->start);
	for (int i = 0; i < worker->connects; i++)
		worker->latencies_us[i] =
			connect_once(&targets[(worker->first_target + i) % target_count]);
	return NULL;
}

/* Returns the wall time in microseconds from the common start to the end of the last thread. */
static double run_threads(double *latencies_us, int connects, int threads, int cpu)
{
	struct worker workers[THREADS_MAX];
	pthread_barrier_t start;
	double started_us;

	pthread_barrier_init(&start, NULL, threads + 1);
	for (int i = 0; i < threads; i++) {
		int first = (long)connects * i / threads;

		workers[i] = (struct worker){
			.start = &start,
			.latencies_us = latencies_us + first,
			.connects = (long)connects * (i + 1) / threads - first,
			.first_target = first,
			.cpu = cpu,
		};
		errno = pthread_create(&workers[i].thread, NULL, work, &workers[i]);
		if (errno)
			fail("start", "a thread");
	}
	started_us = now_us();
	pthread_barrier_wait(&start);
	for (int i = 0; i < threads; i++)
		pthread_join(workers[i].thread, NULL);
	pthread_barrier_destroy(&start);
	return now_us() - started_us;
}

static int compare(const void *a, const void *b)
{
	double left = *(const double *)a, right = *(const double *)b;

	return (left > right) - (left < right);
}

static void report(double *latencies_us, int connects, double wall_us)
{
	double sum = 0;

	for (int i = 0; i < connects; i++)
		sum += latencies_us[i];
	qsort(latencies_us, connects, sizeof(*latencies_us), compare);
	printf("{\"connects\":%d,\"perSecond\":%.1f,\"mean\":%.3f,\"p50\":%.3f,\"p90\":%.3f,"
	       "\"p99\":%.3f}\n",
	       connects, connects / wall_us * 1e6, sum / connects, latencies_us[connects / 2],
	       latencies_us[(long)connects * 90 / 100], latencies_us[(long)connects * 99 / 100]);
	fflush(stdout);
}

static void run_commands(void)
{
	char line[64];

	while (fgets(line, sizeof(line), stdin)) {
		int connects, threads, cpu;
		double *latencies_us;

		if (sscanf(line, "hold %d", &connects) == 1 && connects <= HELD_MAX) {
			hold(connects);
			continue;
		}
		if (sscanf(line, "%d %d %d", &connects, &threads, &cpu) != 3 || connects < 1 ||
		    connects > CONNECTS_MAX || threads < 1 || threads > THREADS_MAX || cpu < 0 ||
		    cpu >= CPU_SETSIZE) {
			fprintf(stderr, "load: bad command: %s", line);
			exit(2);
		}
		latencies_us = calloc(connects, sizeof(*latencies_us));
		if (!latencies_us)
			fail("allocate", "latencies");
		alarm(COMMAND_S_MAX);
		report(latencies_us, connects, run_threads(latencies_us, connects, threads, cpu));
		alarm(0);
		free(latencies_us);
	}
}
