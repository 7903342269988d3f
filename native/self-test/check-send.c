// SPDX-License-Identifier: Apache-2.0
/* That what only TCP can send is sent by TCP: urgent bytes, and what the sender lends. */
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <time.h>

#include <linux/errqueue.h> /* wants time.h */

#include "check.h"
#include "complaint.h"
#include "programs.h"

#define URGENT '!'

static bool send_urgent(const struct way *way, bool by_message)
{
	char byte = URGENT;
	struct iovec piece = { &byte, 1 };
	struct msghdr message = { .msg_iov = &piece, .msg_iovlen = 1 };
	ssize_t sent = by_message ? sendmsg(way->from, &message, MSG_OOB)
				  : send(way->from, &byte, 1, MSG_OOB);

	return sent == 1 ? true : complain_errno("send an urgent byte");
}

static bool receive_urgent(const struct way *way)
{
	char byte = 0;

	if (!wait_for(way->to, POLLPRI))
		return complain("nobody is told of an urgent byte");
	if (recv(way->to, &byte, 1, MSG_OOB) != 1)
		return complain_errno("receive an urgent byte");
	return byte == URGENT ? true : complain("the urgent byte is another");
}

/* Not among the others, and at its place between them. */
static bool pass_urgent(struct way *way, bool by_message)
{
	int at_mark = 0;

	if (!send_urgent(way, by_message) || !receive_urgent(way))
		return false;
	if (ioctl(way->to, SIOCATMARK, &at_mark) || !at_mark)
		return complain("the urgent byte is not at its place");
	return send_message(way, 1000) && receive_all(way);
}

static bool urgent_byte(struct pair *pair)
{
	uint64_t before = count_messages().redirected;

	if (!send_message(&pair->there, 1000) || !receive_all(&pair->there) ||
	    count_messages().redirected == before)
		return complain("nothing is redirected before the urgent byte");
	return pass_urgent(&pair->there, false) && pass_urgent(&pair->there, false) &&
	       pass_urgent(&pair->back, true);
}

#define LENT_MESSAGES 4
#define LENT_SIZE 50000

static bool lend_message(struct way *way)
{
	static uint8_t bytes[LENT_SIZE];

	if (send(way->from, bytes, LENT_SIZE, MSG_ZEROCOPY) != LENT_SIZE)
		return complain_errno("send without a copy");
	for (ssize_t received = 0, more; received < LENT_SIZE; received += more) {
		if (!wait_for(way->to, POLLIN))
			return complain("%zd lent bytes of %d have come", received, LENT_SIZE);
		more = recv(way->to, bytes, LENT_SIZE, 0);
		if (more <= 0)
			return complain_errno("receive what was lent");
	}
	return true;
}

/* Adds to the notices. A range of them comes at once. */
static bool receive_notice(int fd, uint32_t *notices)
{
	char control[128];
	struct msghdr message = { .msg_control = control, .msg_controllen = sizeof(control) };
	const struct sock_extended_err *notice;

	if (!wait_for(fd, POLLERR) || recvmsg(fd, &message, MSG_ERRQUEUE) < 0)
		return complain("%u notices of %d have come", *notices, LENT_MESSAGES);
	notice = (const void *)CMSG_DATA(CMSG_FIRSTHDR(&message));
	if (notice->ee_origin != SO_EE_ORIGIN_ZEROCOPY || notice->ee_info != *notices)
		return complain("a notice is out of order");
	*notices = notice->ee_data + 1;
	return true;
}

/* The option is set when the pair is joined already. */
static bool lent_bytes(struct pair *pair)
{
	struct way *way = &pair->there;
	uint32_t notices = 0;
	int on = 1;

	if (setsockopt(way->from, SOL_SOCKET, SO_ZEROCOPY, &on, sizeof(on)))
		return complain_errno("SO_ZEROCOPY");
	for (int messages = 0; messages < LENT_MESSAGES; messages++)
		if (!lend_message(way))
			return false;
	while (notices < LENT_MESSAGES)
		if (!receive_notice(way->from, &notices))
			return false;
	if (notices > LENT_MESSAGES || is_ready(way->from, POLLERR))
		return complain("%u notices have come for %d messages", notices, LENT_MESSAGES);
	return true;
}

const struct check send_checks[] = {
	{ "zero-copy", lent_bytes, AF_INET },
	/* The last of all: it reads as nobody does who is joined, and nothing of its cgroup is after that. */
	{ "urgent", urgent_byte, AF_INET },
	{},
};
