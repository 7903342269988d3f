/* SPDX-License-Identifier: Apache-2.0 */
/* Much that is sent by a process of its own while this one receives. */
#ifndef SHUNT_SELF_TEST_STREAM_H
#define SHUNT_SELF_TEST_STREAM_H

#include "pair.h"

/* As many bytes in messages of many sizes, asleep while there is no room. */
pid_t start_sender(struct way *way, size_t size);
/* Complains as the sender did. */
bool end_process(pid_t pid);

/* A copy of this process, which ends with it. As fork(). */
pid_t start_process(void);

/* The same numbers in each run: below `limit`, which is not 0. */
unsigned int pick_below(unsigned int limit);

#endif
