// SPDX-License-Identifier: Apache-2.0
/* That bytes stay in order while redirection and TCP take turns. */
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"
#include "complaint.h"
#include "programs.h"
#include "stream.h"

static bool expect_both_ways(struct messages before)
{
	struct messages now = count_messages();

	if (now.redirected > before.redirected && now.fallen_back > before.fallen_back)
		return true;
	return complain("%lu messages were redirected and %lu went by TCP: no turns were taken",
			(unsigned long)(now.redirected - before.redirected),
			(unsigned long)(now.fallen_back - before.fallen_back));
}

/* The shortest way to go wrong. */
static bool order_after_tcp(struct pair *pair)
{
	struct messages before = count_messages();
	struct way *way = &pair->there;
	bool sent;

	turn(true);
	sent = send_message(way, 1000);
	turn(false);
	/* The first is read in part, the second behind it must still wait. */
	return sent && send_message(way, 1000) && receive_until(way, way->received + 500) &&
	       send_message(way, 1000) && receive_all(way) && send_message(way, 1000) &&
	       receive_all(way) && expect_both_ways(before);
}

#define TURNS 600

static bool take_turn(struct pair *pair)
{
	struct way *way = pick_below(2) ? &pair->there : &pair->back;

	turn(pick_below(3) == 0);
	for (unsigned int messages = pick_below(3); messages; messages--)
		if (send_some(way, 1 + pick_below(3000)) < 0)
			return false;
	turn(pick_below(3) == 0);
	if (send_some(way, 1 + pick_below(3000)) < 0)
		return false;
	if (pick_below(2))
		return receive_all(way);
	return way->sent == way->received || receive_some(way, 1 + pick_below(3000)) >= 0;
}

static bool order_in_turns(struct pair *pair)
{
	struct messages before = count_messages();
	bool result = true;

	for (int turns = 0; result && turns < TURNS; turns++)
		result = take_turn(pair);
	turn(false);
	return result && receive_all(&pair->there) && receive_all(&pair->back) &&
	       expect_both_ways(before);
}

#define STREAM_SIZE (6 << 20)
#define STEP_SIZE 65536
#define PAUSE_US 500

/* By a switch that is thrown, and by a reader that falls behind. */
static bool order_in_stream(struct pair *pair)
{
	struct messages before = count_messages();
	pid_t sender = start_sender(&pair->there, STREAM_SIZE);
	struct way *way = &pair->there;
	bool result = true;

	while (result && way->received < way->sent) {
		turn(pick_below(4) == 0);
		if (!pick_below(8))
			usleep(PAUSE_US);
		result = receive_until(way, way->sent - way->received < STEP_SIZE
						    ? way->sent
						    : way->received + 1 + pick_below(STEP_SIZE));
	}
	turn(false);
	return end_process(sender) && result && expect_both_ways(before);
}

const struct check order_checks[] = {
	{ "order-after-tcp", order_after_tcp, AF_INET },
	{ "order-in-turns", order_in_turns, AF_INET },
	{ "order-in-stream", order_in_stream, AF_INET },
	{},
};
