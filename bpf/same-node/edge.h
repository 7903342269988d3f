/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Readers that are told of arrivals once, by epoll with EPOLLET. Some take a read that does not fill its
 * buffer for the last, as epoll(7) allows (Netty, Tokio). Joined, such a read may have ended where
 * redirected bytes did, and of those that came by TCP behind them nobody tells again. So they must have
 * shown that they read on after a short read, until nothing is left.
 */
#ifndef SHUNT_SAME_NODE_EDGE_H
#define SHUNT_SAME_NODE_EDGE_H

#include "call.h"
#include "read-only.h"
#include "unfit.h"

/* Of PLAIN_READS_MIN reads. Who does it now and then does it whenever a read was short. */
#define READS_ON_MIN 8

#define EPOLLET (1U << 31)

/* Few wait for one socket. */
#define WAITERS_MAX 8

/* Walks that are asked for. */
#define UNCLEAR_MAX 64

/* Whether it gives less than was asked for. Of some calls it is not known: not then. */
static __always_inline bool is_short(int result)
{
	const struct pt_regs *call = current_call();

	if (!call || result <= 0 || (call->orig_ax != CALL_READ && call->orig_ax != CALL_RECVFROM))
		return false;
	return (unsigned long)result < call->dx;
}

/* `result` of the next read of a socket. */
static __always_inline void note_reading_on(struct candidate *candidate, int result)
{
	if (result == -EAGAIN && candidate->read_short && candidate->reads_on < READS_ON_MIN)
		candidate->reads_on++;
	candidate->read_short = is_short(result);
}

/* Others than epoll wait as well: of those it is not what leads to the file. */
static __always_inline bool waits_for_edge(__u64 waiter, const struct file *file)
{
	const struct eppoll_entry *entry =
		READ_ONLY(waiter - bpf_core_field_offset(struct eppoll_entry, wait), eppoll_entry);
	const struct epitem *item = READ_ONLY(entry->base, epitem);

	return item->ffd.file == file && item->event.events & EPOLLET;
}

enum told { TOLD_BY_LEVEL, TOLD_BY_EDGE, TOLD_UNCLEAR };

/* Unclear: somebody came or went meanwhile, as nobody holds the list still, or there are too many of them. */
static __always_inline enum told how_told(const struct sock *sk)
{
	const struct socket *socket = sk->sk_socket;
	const struct list_head *head, *each;

	if (!socket)
		return TOLD_UNCLEAR;
	head = &socket->wq.wait.head;
	each = READ_ONLY(head, list_head)->next;
	for (int i = 0; i < WAITERS_MAX && each != head; i++) {
		__u64 waiter = (__u64)each - bpf_core_field_offset(struct wait_queue_entry, entry);

		if (waits_for_edge(waiter, socket->file))
			return TOLD_BY_EDGE;
		each = READ_ONLY(each, list_head)->next;
	}
	return each == head ? TOLD_BY_LEVEL : TOLD_UNCLEAR;
}

/* Whether it may wait for ever for bytes behind a short read. */
static __always_inline bool misses_bytes(const struct candidate *candidate, const struct sock *sk)
{
	return candidate->reads_on < READS_ON_MIN && how_told(sk) == TOLD_BY_EDGE;
}

/* Whether it certainly does not. If that is not clear it is looked at again, soon. */
static __always_inline bool misses_nothing(struct candidate *candidate, const struct sock *sk)
{
	enum told told = candidate->reads_on < READS_ON_MIN ? how_told(sk) : TOLD_BY_LEVEL;

	if (told == TOLD_UNCLEAR && candidate->unclear++ < UNCLEAR_MAX)
		ask_for_walk();
	else if (told != TOLD_BY_LEVEL)
		make_unfit(candidate, UNFIT_EDGE);
	return told == TOLD_BY_LEVEL;
}

#endif
