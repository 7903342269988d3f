/* SPDX-License-Identifier: Apache-2.0 */
/* What starts the parts of checks. */
#pragma once

#include "battery.h"

#define CHECK_TIMEOUT_MS 10000

/* The first message of a check: what the server has to know. The line comes with it. */
struct request {
	char name[64];
	enum mode mode;
	unsigned int rounds;
	unsigned int pause_ms;
	uint64_t seed;
};

const struct check *find_check(const char *name);
/* Calls `visit` with every check, in order. */
void each_check(void (*visit)(const struct check *check, void *context), void *context);

/* Answers requests at the UNIX socket `path` for ever. */
void serve_checks(const struct part *sample, const char *path) __attribute__((noreturn));
/* Runs one check with the server at `path`, and prints what it comes to. True if nothing failed. */
bool run_check(const struct check *check, const struct part *sample, const char *path);
