// SPDX-License-Identifier: Apache-2.0
/* Connections of a process that is killed while they are open. It tells what they carried, as plain bytes. */
#define _GNU_SOURCE
#include "truth.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

static pid_t start(char *const arguments[], int output)
{
	posix_spawn_file_actions_t actions;
	pid_t pid;

	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, output, STDOUT_FILENO);
	errno = posix_spawn(&pid, "/proc/self/exe", &actions, NULL, arguments, environ);
	if (errno)
		fail("start a process that is to be killed");
	posix_spawn_file_actions_destroy(&actions);
	return pid;
}

static void read_whole(int fd, void *into, size_t size)
{
	while (size) {
		ssize_t got = read(fd, into, size);

		if (got <= 0)
			fail("hear of connections that are to be killed");
		into = (char *)into + got;
		size -= got;
	}
}

void doom(unsigned int target, unsigned int count, uint64_t seed, struct tally counted[SERVERS_MAX])
{
	char count_text[16], seed_text[32];
	char *arguments[] = { "truth",	  "doomed",  (char *)targets[target].text,
			      count_text, seed_text, NULL };
	int ends[2];
	pid_t pid;

	snprintf(count_text, sizeof(count_text), "%u", count);
	snprintf(seed_text, sizeof(seed_text), "%lu", seed);
	if (pipe2(ends, O_CLOEXEC))
		fail("open a pipe");
	pid = start(arguments, ends[1]);
	close(ends[1]);
	read_whole(ends[0], counted, sizeof(*counted) * SERVERS_MAX);
	kill(pid, SIGKILL);
	if (waitpid(pid, NULL, 0) != pid)
		fail("wait for what was killed");
	close(ends[0]);
}

void run_doomed(unsigned int count, uint64_t seed)
{
	const struct target *target = &targets[0];
	struct random random = { .state = seed };
	struct tally counted[SERVERS_MAX] = {};

	for (unsigned int i = 0; i < count; i++) {
		struct sockaddr_storage address;
		uint64_t sent = 0, received = 0;
		unsigned int server;
		socklen_t length;
		int fd = open_socket(target, &random, 0, &address, &length);

		if (connect(fd, (void *)&address, length))
			fail("connect, to be killed");
		server = exchange(fd, &random, THEN_GO_ON, &sent, &received);
		count_established(&counted[server], sent, received);
		counted[server].closed++;
	}
	if (write(STDOUT_FILENO, counted, sizeof(counted)) != sizeof(counted))
		fail("tell of connections that are to be killed");
	for (;;)
		pause();
}
