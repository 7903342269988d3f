/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Connections that end in every way there is, counted by whoever makes them. What one side asks of the other
 * is a request: a header, so many bytes, and then so many bytes of answer.
 */
#ifndef TRUTH_H
#define TRUTH_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

/* Beyond the port that is served: what comes there is not looked at. Nobody listens between the two. */
#define PORT_SILENT 2

enum then {
	THEN_GO_ON,
	THEN_CLOSE,
	THEN_RESET,	   /* once the answer has been acknowledged */
	THEN_RESET_AT_END, /* the same, and once the client has closed its half */
	THEN_HEAR_NOTHING, /* nor acknowledge anything any more */
};

struct request {
	uint32_t size;	 /* of what follows */
	uint32_t answer; /* at least 1: its first byte is the number of the server */
	uint32_t then;
	uint32_t zero;
};

#define SERVERS_MAX 16
#define TARGETS_MAX 64
#define CHUNK (64 * 1024)

enum kind {
	KIND_ANSWERS,
	KIND_ROUTED, /* the same; ECONNREFUSED is a refusal by the Service */
	KIND_CLOSED,
	KIND_SILENT,
	KIND_UNREACHABLE,
	KIND_REJECTS,
	KIND_DATAGRAMS,
	KIND_KEEPS, /* for connections that go on */
	KIND_COUNT,
};

struct target {
	const char *text;
	enum kind kind;
	unsigned int weight;
	unsigned int server; /* where there is but one; 0: the answer says which */
	struct sockaddr_storage address;
	socklen_t length;
};

/* As the kernel's counters are named. */
struct tally {
	uint64_t attempts, established, refused, timed_out, unreachable, abandoned;
	uint64_t closed, reset, broken, rejected;
	uint64_t sent, received;
};

/* By target and server. */
struct tallies {
	struct tally of[TARGETS_MAX][SERVERS_MAX];
};

/* What goes on for a while: the oldest is waited for when there is no room. */
#define WAITING_MAX 2048

struct waiting {
	int fd;
	unsigned int target, server;
	bool established;
};

struct random {
	uint64_t state;
};

/* A thread that makes attempts. */
struct worker {
	struct tallies *tallies;
	struct random random;
	struct waiting waiting[WAITING_MAX];
	unsigned int first, count;
	unsigned int doomed[TARGETS_MAX]; /* how many are still to be made and killed, by target */
};

/* truth.c */
extern struct target targets[TARGETS_MAX];
extern unsigned int target_count;
void fail(const char *what);
void tally_add(struct tally *into, const struct tally *from);
void tallies_add(struct tallies *into, const struct tallies *from);
void tallies_print(FILE *out, const struct tallies *tallies);

/* serve.c */
void serve(unsigned int number, unsigned short port);

/* ask.c */
void run_commands(void);

/* attempt.c */
uint64_t random_next(struct random *random);
int open_socket(const struct target *target, struct random *random, int flags,
		struct sockaddr_storage *address, socklen_t *length);
void count_failure(const struct target *target, struct tally *tally, int error);
void count_established(struct tally *tally, uint64_t sent, uint64_t received);
void set_reset_on_close(int fd);
void set_user_timeout(int fd, unsigned int timeout_ms);
/* Returns the number of the server, having added what was sent and received. */
unsigned int exchange(int fd, struct random *random, enum then then, uint64_t *sent,
		      uint64_t *received);

/* endings.c */
void attempt(struct worker *worker, const struct target *target, unsigned int index);
void finish_all(struct worker *worker);

/* doomed.c */
void doom(unsigned int target, unsigned int count, uint64_t seed,
	  struct tally counted[SERVERS_MAX]);
void run_doomed(unsigned int count, uint64_t seed);

/* keep.c */
void keep_open(unsigned int count);
void keep_talking(unsigned int rounds);
void keep_tell(void);
void keep_end(void);

#endif
