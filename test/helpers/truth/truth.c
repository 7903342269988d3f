// SPDX-License-Identifier: Apache-2.0
/*
 *   truth serve NUMBER PORT     prints "ready", serves until its standard input ends
 *   truth ask TARGET...         answers each line that it reads with one line of JSON, ends with its input:
 *
 *     run COUNT THREADS SEED    so many attempts, and how each ended, by target and server
 *     open COUNT                connections to the targets of kind `keeps`, which go on
 *     talk ROUNDS               so many requests on each of them
 *     told                      what they have carried so far
 *     end                       closes them, and says what they have carried, and how much of it went by TCP
 *
 * A target is KIND,WEIGHT,SERVER,ADDRESS,PORT.
 */
#define _GNU_SOURCE
#include "truth.h"

#include <arpa/inet.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

struct target targets[TARGETS_MAX];
unsigned int target_count;

static void parse_targets(int count, char **texts);
static void lift_limit(void);

int main(int argc, char **argv)
{
	signal(SIGPIPE, SIG_IGN);
	lift_limit();
	if (argc == 4 && !strcmp(argv[1], "serve")) {
		serve(atoi(argv[2]), atoi(argv[3]));
		return 0;
	}
	if (argc > 2 && !strcmp(argv[1], "ask")) {
		parse_targets(argc - 2, argv + 2);
		run_commands();
		return 0;
	}
	if (argc == 5 && !strcmp(argv[1], "doomed")) {
		parse_targets(1, argv + 2);
		run_doomed(atoi(argv[3]), strtoull(argv[4], NULL, 10));
		return 0;
	}
	fprintf(stderr, "usage: truth serve NUMBER PORT | truth ask TARGET...\n");
	return 2;
}

void fail(const char *what)
{
	fprintf(stderr, "truth: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* Each connection that is waited for has a descriptor. */
static void lift_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		fail("read the limit of descriptors");
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit))
		fail("lift the limit of descriptors");
}

static const char *const KIND_NAMES[KIND_COUNT] = {
	[KIND_ANSWERS] = "answers", [KIND_ROUTED] = "routed",
	[KIND_CLOSED] = "closed",   [KIND_SILENT] = "silent",
	[KIND_REJECTS] = "rejects", [KIND_UNREACHABLE] = "unreachable",
	[KIND_KEEPS] = "keeps",	    [KIND_DATAGRAMS] = "datagrams",
};

static bool parse_address(struct target *target, const char *text, unsigned short port)
{
	struct sockaddr_in *ipv4 = (struct sockaddr_in *)&target->address;
	struct sockaddr_in6 *ipv6 = (struct sockaddr_in6 *)&target->address;

	if (inet_pton(AF_INET, text, &ipv4->sin_addr) == 1) {
		ipv4->sin_family = AF_INET;
		ipv4->sin_port = htons(port);
		target->length = sizeof(*ipv4);
		return true;
	}
	ipv6->sin6_family = AF_INET6;
	ipv6->sin6_port = htons(port);
	target->length = sizeof(*ipv6);
	return inet_pton(AF_INET6, text, &ipv6->sin6_addr) == 1;
}

static bool parse_target(struct target *target, const char *text)
{
	char kind[32] = "", address[64] = "";
	unsigned short port = 0;

	target->text = text;
	if (sscanf(text, "%31[^,],%u,%u,%63[^,],%hu", kind, &target->weight, &target->server,
		   address, &port) != 5)
		return false;
	for (target->kind = 0; target->kind < KIND_COUNT; target->kind++)
		if (!strcmp(KIND_NAMES[target->kind], kind))
			return target->server < SERVERS_MAX && parse_address(target, address, port);
	return false;
}

static void parse_targets(int count, char **texts)
{
	for (int i = 0; i < count; i++) {
		if (target_count == TARGETS_MAX ||
		    !parse_target(&targets[target_count++], texts[i])) {
			fprintf(stderr, "truth: %s is no target\n", texts[i]);
			exit(2);
		}
	}
}

void tally_add(struct tally *into, const struct tally *from)
{
	uint64_t *sums = (uint64_t *)into;
	const uint64_t *more = (const uint64_t *)from;

	for (size_t i = 0; i < sizeof(*into) / sizeof(*sums); i++)
		sums[i] += more[i];
}

void tallies_add(struct tallies *into, const struct tallies *from)
{
	for (unsigned int target = 0; target < TARGETS_MAX; target++)
		for (unsigned int server = 0; server < SERVERS_MAX; server++)
			tally_add(&into->of[target][server], &from->of[target][server]);
}

/* One row for each target and server of which there is anything. */
void tallies_print(FILE *out, const struct tallies *tallies)
{
	const struct tally nothing = {};
	const char *comma = "";

	fprintf(out, "[");
	for (unsigned int target = 0; target < TARGETS_MAX; target++) {
		for (unsigned int server = 0; server < SERVERS_MAX; server++) {
			const struct tally *tally = &tallies->of[target][server];
			const uint64_t *counts = (const uint64_t *)tally;

			if (!memcmp(tally, &nothing, sizeof(nothing)))
				continue;
			fprintf(out, "%s[%u,%u", comma, target, server);
			for (size_t i = 0; i < sizeof(*tally) / sizeof(*counts); i++)
				fprintf(out, ",%lu", counts[i]);
			fprintf(out, "]");
			comma = ",";
		}
	}
	fprintf(out, "]");
}
