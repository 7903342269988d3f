// SPDX-License-Identifier: Apache-2.0
/*
 * Checks what TCP promises to applications, between a server and a client in two Pods. It uses
 * sockets as applications do, and knows of nothing that may be underneath. Each check has a
 * connection or more of its own, at ports that the kernel picks, and prints one line:
 *
 *   ok NAME
 *   not ok NAME: what differs
 *   saw NAME: what has to be equal to plain TCP
 */
#define _GNU_SOURCE
#include "run.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>

#define USAGE                                                                                \
	"usage: battery server ADDRESS PORT [-c CGROUP]\n"                                   \
	"       battery client ADDRESS PORT [-c CGROUP] [-m blocking|changing|event-loop]\n" \
	"               [-n ROUNDS] [-s SEED] [-p PAUSE_MS] [-j JOBS] [CHECK...]\n"          \
	"       battery list\n"

static const struct check *const groups[] = {
	order_checks,  pressure_checks,	   flags_checks,   endings_checks,  killed_checks,
	waking_checks, descriptors_checks, threads_checks, files_checks,    splice_checks,
	uring_checks,  readiness_checks,   special_checks, counters_checks, tuple_checks,
};

struct client {
	struct part part;
	char path[108];
	unsigned int jobs;
	unsigned int running;
	char **wanted;
	bool failed;
};

static void parse_address(struct client *client, char **arguments);
static void parse_options(struct client *client, int count, char **arguments);
static void print_check(const struct check *check, void *context);
static void start_check(const struct check *check, void *context);
static void await_check(struct client *client);
static void usage(void);

int main(int count, char **arguments)
{
	struct client client = { .jobs = 1, .part = { .rounds = 100, .seed = 1 } };

	signal(SIGPIPE, SIG_IGN);
	if (count == 2 && !strcmp(arguments[1], "list")) {
		each_check(print_check, NULL);
		return 0;
	}
	if (count < 4)
		usage();
	parse_address(&client, arguments + 2);
	parse_options(&client, count - 3, arguments + 3);
	if (!strcmp(arguments[1], "server"))
		serve_checks(&client.part, client.path);
	if (strcmp(arguments[1], "client"))
		usage();
	each_check(start_check, &client);
	while (client.running)
		await_check(&client);
	return client.failed;
}

/* Client and server find each other at a UNIX socket that is named after address and port. */
static void parse_address(struct client *client, char **arguments)
{
	struct sockaddr_storage *address = &client->part.address;
	struct sockaddr_in6 *v6 = (void *)address;
	struct sockaddr_in *v4 = (void *)address;

	snprintf(client->path, sizeof(client->path), "/tmp/battery-%s-%s", arguments[0],
		 arguments[1]);
	if (inet_pton(AF_INET6, arguments[0], &v6->sin6_addr) == 1) {
		v6->sin6_family = AF_INET6;
		client->part.address_length = sizeof(*v6);
		return;
	}
	if (inet_pton(AF_INET, arguments[0], &v4->sin_addr) != 1)
		usage();
	v4->sin_family = AF_INET;
	client->part.address_length = sizeof(*v4);
}

static void parse_options(struct client *client, int count, char **arguments)
{
	static const char *const modes[] = { "blocking", "changing", "event-loop" };
	struct part *part = &client->part;
	int option;

	while ((option = getopt(count, arguments, "c:m:n:s:p:j:")) != -1) {
		if (option == 'm') {
			part->mode = BLOCKING;
			while (strcmp(optarg, modes[part->mode]))
				if (++part->mode > EVENT_LOOP)
					usage();
		} else if (option == 'c') {
			part->cgroup = optarg;
		} else if (option == 'n') {
			part->rounds = atoi(optarg);
		} else if (option == 's') {
			part->seed = strtoull(optarg, NULL, 10);
		} else if (option == 'p') {
			part->pause_ms = atoi(optarg);
		} else if (option == 'j') {
			client->jobs = atoi(optarg);
		} else {
			usage();
		}
	}
	client->wanted = arguments + optind;
	for (char **name = client->wanted; *name; name++) {
		if (!find_check(*name)) {
			fprintf(stderr, "battery: there is no check %s\n", *name);
			exit(2);
		}
	}
}

void each_check(void (*visit)(const struct check *check, void *context), void *context)
{
	for (size_t i = 0; i < sizeof(groups) / sizeof(*groups); i++)
		for (const struct check *check = groups[i]; check->name; check++)
			visit(check, context);
}

const struct check *find_check(const char *name)
{
	for (size_t i = 0; i < sizeof(groups) / sizeof(*groups); i++)
		for (const struct check *check = groups[i]; check->name; check++)
			if (!strcmp(check->name, name))
				return check;
	return NULL;
}

static void print_check(const struct check *check, void *context)
{
	(void)context;
	printf("%s%s\n", check->name, check->only_blocking ? " (not in an event loop)" : "");
}

static void start_check(const struct check *check, void *context)
{
	struct client *client = context;
	bool wanted = !*client->wanted;

	for (char **name = client->wanted; *name; name++)
		wanted |= !strcmp(*name, check->name);
	if (!wanted || (check->only_blocking && client->part.mode == EVENT_LOOP))
		return;
	if (client->running == client->jobs)
		await_check(client);
	client->running++;
	if (!fork())
		_exit(!run_check(check, &client->part, client->path));
}

static void await_check(struct client *client)
{
	int status = 0;

	wait(&status);
	client->running--;
	client->failed |= status != 0;
}

static void usage(void)
{
	fputs(USAGE, stderr);
	exit(2);
}
