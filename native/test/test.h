/* SPDX-License-Identifier: Apache-2.0 */
#ifndef SHUNT_TEST_H
#define SHUNT_TEST_H

#include <stddef.h>

/* A false expression fails the test, which goes on: what it opened is still closed. */
#define CHECK(expression) check(!!(expression), #expression, __FILE__, __LINE__)

/* The same for a call that must answer with an exact number. */
#define CHECK_IS(expression, want) check_is(expression, want, #expression, __FILE__, __LINE__)

void check(int holds, const char *expression, const char *file, int line);
void check_is(long long have, long long want, const char *expression, const char *file, int line);

/* The last error contains these words. */
#define CHECK_SAYS(words) check_says(words, __FILE__, __LINE__)
void check_says(const char *words, const char *file, int line);

struct test {
	const char *name;
	void (*run)(void);
};

#define TEST(name)          \
	{                   \
#name, name \
	}

/* Each ends with an entry without a name. */
extern const struct test object_tests[], map_tests[], ring_tests[], program_tests[], socket_tests[],
	system_tests[];

/* Handle of native/test/NAME.bpf.c, not loaded yet. */
int open_sample(const char *name);
/* The same, loaded. */
int load_sample(void);

/* A cgroup, a bpffs and a directory of the tests' own; gone when the runner ends. */
extern char own_cgroup[], own_bpffs[], own_directory[];

#endif
