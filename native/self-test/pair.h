/* SPDX-License-Identifier: Apache-2.0 */
/* Connections of event loops: both ends never block. What fails, complains; see complaint.h. */
#ifndef SHUNT_SELF_TEST_PAIR_H
#define SHUNT_SELF_TEST_PAIR_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* One direction. Each byte tells its place, so that any that is missing, doubled or early is seen. */
struct way {
	int from, to;
	size_t sent, received;
};

struct pair {
	struct way there, back; /* as the client sees it */
};

/* AF_INET or AF_INET6. Not joined: neither end has shown yet that it can be. */
bool open_pair(struct pair *pair, int family);
/* Both ends read as often as they must for being joined. */
bool ripen(struct pair *pair);
/* open_pair(), ripen() and a walk, after which both ends are joined. */
bool open_joined_pair(struct pair *pair, int family);
/* Of any that are open yet. */
void close_pair(struct pair *pair);

/* One call: bytes, 0 if it would block, -1 if it failed. At most CHUNK_MAX. */
ssize_t send_some(struct way *way, size_t size);
ssize_t receive_some(struct way *way, size_t size);
#define CHUNK_MAX 65536

/* In one message, for which there is room. */
bool send_message(struct way *way, size_t size);
/* Waits until all that was sent has been received, or until nothing has come for a second. */
bool receive_all(struct way *way);
/* The same up to this place. */
bool receive_until(struct way *way, size_t place);
bool receive_end(struct way *way);

/* Within a second, for any of these events of poll(). */
bool wait_for(int fd, short events);
bool is_ready(int fd, short events);

#endif
