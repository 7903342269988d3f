// SPDX-License-Identifier: Apache-2.0
/* That whoever waits is woken up, and nobody else. */
#include <errno.h>
#include <poll.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"
#include "complaint.h"
#include "programs.h"
#include "stream.h"

static bool expect_event(int epoll, bool wanted, const char *when)
{
	struct epoll_event event;

	if ((epoll_wait(epoll, &event, 1, 0) == 1) == wanted)
		return true;
	return complain("%s epoll has %s event", when, wanted ? "no" : "an");
}

static bool expect_nothing(const struct way *way)
{
	char byte;

	if (recv(way->to, &byte, 1, 0) < 0 && errno == EAGAIN)
		return true;
	return complain("there is something to be read where nothing was sent");
}

static bool follow_level(struct way *way, int epoll)
{
	return expect_nothing(way) && expect_event(epoll, false, "before anything was sent") &&
	       send_message(way, 1000) && expect_event(epoll, true, "with 1000 bytes unread") &&
	       receive_until(way, way->received + 400) &&
	       expect_event(epoll, true, "with 600 bytes unread") && receive_all(way) &&
	       expect_event(epoll, false, "with all bytes read") && expect_nothing(way) &&
	       send_message(way, 1) && expect_event(epoll, true, "with one byte unread") &&
	       receive_all(way);
}

static bool read_level(struct pair *pair)
{
	struct epoll_event wanted = { .events = EPOLLIN };
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	bool result;

	if (epoll < 0 || epoll_ctl(epoll, EPOLL_CTL_ADD, pair->there.to, &wanted))
		return complain_errno("epoll");
	result = follow_level(&pair->there, epoll);
	close(epoll);
	return result;
}

#define ROUNDS 100

static bool answer(struct pair *pair)
{
	for (int rounds = 0; rounds < ROUNDS; rounds++)
		if (!receive_until(&pair->there, pair->there.received + 100) ||
		    !send_message(&pair->back, 200))
			return false;
	return true;
}

/* Both ends are asleep most of the time. */
static bool read_wakes(struct pair *pair)
{
	pid_t server = start_process();
	bool result = true;

	if (!server)
		_exit(!answer(pair));
	for (int rounds = 0; result && rounds < ROUNDS; rounds++)
		result = send_message(&pair->there, 100) &&
			 receive_until(&pair->back, pair->back.received + 200);
	return end_process(server) && result;
}

/* Much more than all buffers hold. */
#define STREAM_SIZE (16 << 20)
#define STALL_US 10000

/* A stalled reader makes the sender sleep, again and again. */
static bool write_wakes(struct pair *pair)
{
	pid_t sender = start_sender(&pair->there, STREAM_SIZE);
	bool result = true;

	for (int stalls = 1; result && stalls <= 4; stalls++) {
		usleep(STALL_US);
		result = receive_until(&pair->there,
				       pair->there.sent - STREAM_SIZE + STREAM_SIZE / 4 * stalls);
	}
	return end_process(sender) && result;
}

const struct check wake_checks[] = {
	{ "read-level", read_level, AF_INET },
	{ "read-wakes", read_wakes, AF_INET },
	{ "write-wakes", write_wakes, AF_INET },
	{},
};
