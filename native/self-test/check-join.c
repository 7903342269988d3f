// SPDX-License-Identifier: Apache-2.0
/* That pairs are joined and parted. */
#include <poll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "check.h"
#include "complaint.h"
#include "programs.h"

static bool expect_redirected(uint64_t before, uint64_t count)
{
	uint64_t redirected = count_messages().redirected - before;

	if (redirected == count)
		return true;
	return complain("of %lu messages %lu were redirected", (unsigned long)count,
			(unsigned long)redirected);
}

static bool redirects(struct pair *pair)
{
	uint64_t before = count_messages().redirected;

	return send_message(&pair->there, 1000) && receive_all(&pair->there) &&
	       send_message(&pair->back, 10000) && receive_all(&pair->back) &&
	       expect_redirected(before, 2);
}

#define UNREAD_SIZE 500
#define NS_PER_MS 1000000
#define PARTING_MS 1050 /* bpf/same-node/join.h waits for a second */

static long now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000 + now.tv_nsec / NS_PER_MS;
}

static long turned_off_ms;

static bool expect_joined(const struct pair *pair, bool client, bool server, const char *when)
{
	if (is_joined(pair->there.from) == client && is_joined(pair->there.to) == server)
		return true;
	return complain("%s the client is%s joined and the server is%s", when,
			is_joined(pair->there.from) ? "" : " not",
			is_joined(pair->there.to) ? "" : " not");
}

/* The server has something to read, by which it is still held when the client is not. */
bool begin_parting(struct pair *pair)
{
	uint64_t before = count_messages().redirected;
	bool walked;

	if (!open_joined_pair(pair, AF_INET) || !send_message(&pair->there, UNREAD_SIZE) ||
	    !expect_redirected(before, 1))
		return false;
	turn(true);
	walked = walk() >= 0;
	turn(false);
	turned_off_ms = now_ms();
	return walked && expect_joined(pair, true, true, "at once");
}

static bool goes_on(struct pair *pair)
{
	uint64_t before = count_messages().redirected;

	return send_message(&pair->there, 1000) && receive_all(&pair->there) &&
	       send_message(&pair->back, 1000) && receive_all(&pair->back) &&
	       expect_redirected(before, 0);
}

bool end_parting(struct pair *pair)
{
	long left_ms = turned_off_ms + PARTING_MS - now_ms();

	if (left_ms > 0)
		usleep(left_ms * 1000);
	return walk() >= 0 && expect_joined(pair, false, true, "with unread data") &&
	       receive_all(&pair->there) && walk() >= 0 &&
	       expect_joined(pair, false, false, "without unread data") && goes_on(pair);
}

const struct check join_checks[] = {
	{ "joins-ipv4", redirects, AF_INET },
	{ "joins-ipv6", redirects, AF_INET6 },
	{},
};
