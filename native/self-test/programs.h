/* SPDX-License-Identifier: Apache-2.0 */
/* The kernel programs under test, with tables that only they have. */
#ifndef SHUNT_SELF_TEST_PROGRAMS_H
#define SHUNT_SELF_TEST_PROGRAMS_H

#include <stdbool.h>
#include <stdint.h>

/* Watches the sockets of this cgroup, until this process ends. Gives up when it cannot. */
void attach_programs(const char *object, int cgroup);

void turn(bool off);
/* What the agent has done every 100 ms. How many sockets may be joined or are; -1 if it failed. */
int walk(void);
bool is_joined(int socket);

struct messages {
	uint64_t redirected, fallen_back;
};

/* Of all sockets. */
struct messages count_messages(void);

#endif
