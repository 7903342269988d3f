// SPDX-License-Identifier: Apache-2.0
/* That nothing is lost when a connection ends, or redirection does. */
#include <sys/socket.h>
#include <unistd.h>

#include "check.h"
#include "complaint.h"
#include "programs.h"

#define MESSAGES 30
#define MESSAGE_SIZE 4000

/* More than is redirected at once: the rest goes by TCP. */
static bool send_much(struct way *way)
{
	for (int messages = 0; messages < MESSAGES; messages++)
		if (!send_message(way, MESSAGE_SIZE))
			return false;
	return true;
}

static void close_sender(struct pair *pair)
{
	close(pair->there.from);
	pair->there.from = pair->back.to = -1;
}

static bool end_way(struct way *way)
{
	if (shutdown(way->from, SHUT_WR))
		return complain_errno("shutdown");
	return receive_all(way) && receive_end(way);
}

/* The other direction goes on, and ends by itself. */
static bool half_close(struct pair *pair)
{
	return send_much(&pair->there) && end_way(&pair->there) && send_much(&pair->back) &&
	       receive_until(&pair->back, pair->back.received + MESSAGE_SIZE) &&
	       send_message(&pair->back, MESSAGE_SIZE) && end_way(&pair->back);
}

static bool close_at_once(struct pair *pair)
{
	if (!send_much(&pair->there))
		return false;
	close_sender(pair);
	return receive_all(&pair->there) && receive_end(&pair->there);
}

/* With nothing but what was redirected: no byte of it comes by TCP, and then the end does. */
static bool close_redirected(struct pair *pair)
{
	if (!send_message(&pair->there, 1000))
		return false;
	close_sender(pair);
	return receive_until(&pair->there, pair->there.received + 1) && receive_all(&pair->there) &&
	       receive_end(&pair->there);
}

#define STEPS 40

/* Two messages behind each other, the first of them half read. */
static bool stream_on(struct way *way)
{
	for (int steps = 0; steps < STEPS; steps++)
		if (!send_message(way, MESSAGE_SIZE) ||
		    !receive_until(way, way->received + MESSAGE_SIZE / 2) ||
		    !send_message(way, MESSAGE_SIZE) || !receive_all(way))
			return false;
	return true;
}

static bool turn_off_in_stream(struct pair *pair)
{
	uint64_t before = count_messages().redirected, middle, after;
	struct way *way = &pair->there;

	if (!stream_on(way) || !send_message(way, MESSAGE_SIZE))
		return false;
	middle = count_messages().redirected;
	turn(true);
	if (!send_message(way, MESSAGE_SIZE) || !receive_all(way) || !stream_on(way))
		return false;
	after = count_messages().redirected;
	if (middle - before != 2 * STEPS + 1)
		return complain("not all was redirected");
	return after == middle ? true : complain("redirection goes on although it is turned off");
}

const struct check end_checks[] = {
	{ "half-close", half_close, AF_INET },
	{ "close", close_at_once, AF_INET },
	{ "close-redirected", close_redirected, AF_INET },
	{ "turn-off", turn_off_in_stream, AF_INET },
	{},
};
