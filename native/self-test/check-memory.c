// SPDX-License-Identifier: Apache-2.0
/* That what is redirected counts in the buffer of whoever has not read it. */
#include <linux/sock_diag.h>
#include <poll.h>
#include <stdint.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "check.h"
#include "complaint.h"
#include "programs.h"

static bool expect_memory(int socket, uint32_t at_least, uint32_t at_most)
{
	uint32_t have[SK_MEMINFO_VARS];
	socklen_t length = sizeof(have);

	if (getsockopt(socket, SOL_SOCKET, SO_MEMINFO, have, &length))
		return complain_errno("SO_MEMINFO");
	if (have[SK_MEMINFO_RMEM_ALLOC] >= at_least && have[SK_MEMINFO_RMEM_ALLOC] <= at_most)
		return true;
	return complain("%u bytes count as received, not %u or more", have[SK_MEMINFO_RMEM_ALLOC],
			at_least);
}

static bool memory_counted(struct pair *pair)
{
	const struct way *way = &pair->there;

	for (uint32_t messages = 1; messages <= 10; messages++)
		if (!send_message(&pair->there, 1000) ||
		    !expect_memory(way->to, messages * 1000, UINT32_MAX))
			return false;
	return receive_all(&pair->there) && expect_memory(way->to, 0, 0);
}

#define FILLING_SIZE 16384

/* What a reader that does not read takes: by TCP some more than at first, as it acknowledges. */
static size_t fill(struct way *way, size_t size_max)
{
	size_t before = way->sent;
	ssize_t sent = 1;

	while (sent >= 0 && way->sent - before < size_max && (sent || is_ready(way->from, POLLOUT)))
		sent = send_some(way, FILLING_SIZE);
	return way->sent - before;
}

#define PLAIN_SIZE_MAX (256 << 20)

static size_t fill_plain(void)
{
	struct pair pair;
	size_t size = 0;

	turn(true);
	if (open_pair(&pair, AF_INET) && ripen(&pair))
		size = fill(&pair.there, PLAIN_SIZE_MAX);
	close_pair(&pair);
	turn(false);
	return size;
}

static bool memory_bounded(struct pair *pair)
{
	size_t plain = fill_plain(), joined = fill(&pair->there, 2 * plain + FILLING_SIZE);

	if (joined > 2 * plain)
		return complain("%zu bytes and more are taken for a reader that stalls, by TCP %zu",
				joined, plain);
	if (is_ready(pair->there.from, POLLOUT))
		return complain("there is said to be room where there is none");
	return receive_all(&pair->there) && wait_for(pair->there.from, POLLOUT);
}

#define SMALL_MESSAGES_MAX 8192

/* Each of them takes memory of the kernel that counts nowhere. */
static bool messages_bounded(struct pair *pair)
{
	struct messages before = count_messages();
	struct messages now = before;

	while (now.fallen_back == before.fallen_back) {
		if (now.redirected - before.redirected > SMALL_MESSAGES_MAX)
			return complain(
				"%lu messages of one byte and more wait for a reader that stalls",
				(unsigned long)(now.redirected - before.redirected));
		if (!send_message(&pair->there, 1))
			return false;
		now = count_messages();
	}
	return receive_all(&pair->there) && send_message(&pair->there, 1) &&
	       receive_all(&pair->there) && count_messages().redirected > now.redirected;
}

static bool expect_unread(const struct way *way, int size)
{
	int unread = -1;

	if (ioctl(way->to, FIONREAD, &unread))
		return complain_errno("FIONREAD");
	return unread == size ? true : complain("FIONREAD says %d, not %d", unread, size);
}

static bool unread_told(struct pair *pair)
{
	struct way *way = &pair->there;

	return expect_unread(way, 0) && send_message(way, 1000) && expect_unread(way, 1000) &&
	       send_message(way, 500) && expect_unread(way, 1500) &&
	       receive_until(way, way->received + 700) && expect_unread(way, 800) &&
	       receive_all(way) && expect_unread(way, 0);
}

const struct check memory_checks[] = {
	{ "memory-counted", memory_counted, AF_INET },
	{ "memory-bounded", memory_bounded, AF_INET },
	{ "messages-bounded", messages_bounded, AF_INET },
	{ "unread-told", unread_told, AF_INET },
	{},
};
