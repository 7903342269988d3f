// SPDX-License-Identifier: Apache-2.0
/* Many attempts at all targets, from several threads, and what became of them. */
#define _GNU_SOURCE
#include "truth.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define THREADS_MAX 16
/* What takes longer hangs: SIGALRM ends the program. */
#define COMMAND_S_MAX 900

struct thread {
	pthread_t id;
	unsigned int attempts;
	unsigned int weights;
	struct worker worker;
	struct tallies tallies;
};

static unsigned int sum_of_weights(void)
{
	unsigned int sum = 0;

	for (unsigned int i = 0; i < target_count; i++)
		sum += targets[i].weight;
	return sum;
}

static unsigned int draw_target(struct random *random, unsigned int weights)
{
	unsigned int drawn = random_next(random) % weights, index = 0;

	while (drawn >= targets[index].weight)
		drawn -= targets[index++].weight;
	return index;
}

static void *work(void *argument)
{
	struct thread *thread = argument;

	for (unsigned int i = 0; i < thread->attempts; i++) {
		unsigned int index = draw_target(&thread->worker.random, thread->weights);

		attempt(&thread->worker, &targets[index], index);
	}
	finish_all(&thread->worker);
	return NULL;
}

static void run(unsigned int count, unsigned int threads, uint64_t seed)
{
	struct thread *all = calloc(threads, sizeof(*all));
	struct tallies sums = {};

	if (!all)
		fail("allocate");
	for (unsigned int i = 0; i < threads; i++) {
		struct thread *thread = &all[i];

		thread->attempts =
			(uint64_t)count * (i + 1) / threads - (uint64_t)count * i / threads;
		thread->weights = sum_of_weights();
		thread->worker.tallies = &thread->tallies;
		thread->worker.random.state = seed * THREADS_MAX + i;
		errno = pthread_create(&thread->id, NULL, work, thread);
		if (errno)
			fail("start a thread");
	}
	for (unsigned int i = 0; i < threads; i++) {
		pthread_join(all[i].id, NULL);
		tallies_add(&sums, &all[i].tallies);
	}
	free(all);
	printf("{\"rows\":");
	tallies_print(stdout, &sums);
	printf("}\n");
}

static void run_command(const char *line)
{
	unsigned int count, threads;
	uint64_t seed;

	if (sscanf(line, "run %u %u %lu", &count, &threads, &seed) == 3 && threads &&
	    threads <= THREADS_MAX)
		run(count, threads, seed);
	else if (sscanf(line, "open %u", &count) == 1)
		keep_open(count);
	else if (sscanf(line, "talk %u", &count) == 1)
		keep_talking(count);
	else if (!strcmp(line, "told\n"))
		keep_tell();
	else if (!strcmp(line, "end\n"))
		keep_end();
	else {
		fprintf(stderr, "truth: bad command: %s", line);
		exit(2);
	}
}

void run_commands(void)
{
	char line[128];

	while (fgets(line, sizeof(line), stdin)) {
		alarm(COMMAND_S_MAX);
		run_command(line);
		fflush(stdout);
		alarm(0);
	}
}
