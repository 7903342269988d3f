/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The traffic of TCP connections. Most connections are short: theirs is counted when they end. That
 * of long ones is counted now and then while they go on, and the rest at the end.
 *
 * A walk and the end of a connection may meet. The end gives the place back first and looks for an
 * account then; a walk makes the account first and looks whose the place is then. So if the walk
 * counts at all, the end sees its account; and in there what was counted only grows.
 */
#ifndef SHUNT_ACCOUNT_H
#define SHUNT_ACCOUNT_H

#include "count.h"

struct traffic {
	__u64 sent;
	__u64 received;
	__u64 retransmits;
	__u32 rtt_us; /* smoothed; 0: not known */
};

/* What comes on top of what was counted. Another processor may be counting: the higher one stays. */
static __always_inline __u64 take_growth(__u64 *counted, __u64 total)
{
#ifndef SHUNT_NO_CMPXCHG
#pragma unroll
	for (int attempt = 0; attempt < 4; attempt++) {
		__u64 before = READ_ONCE(*counted);

		if (total <= before)
			return 0;
		if (__sync_val_compare_and_swap(counted, before, total) == before)
			return total - before;
	}
#endif
	return 0;
}

/* What was counted is left out of `traffic`. */
APART int take_growth_of(struct account *account, struct traffic *traffic)
{
	if (!account || !traffic)
		return 0;
	traffic->sent = take_growth(&account->sent, traffic->sent);
	traffic->received = take_growth(&account->received, traffic->received);
	traffic->retransmits = take_growth(&account->retransmits, traffic->retransmits);
	return 0;
}

/* Adding a constant 0 would become an atomic OR, which kernels before 5.12 do not know. */
#define ADD_ANY(field, n)              \
	do {                           \
		if (n)                 \
			ADD(field, n); \
	} while (0)

/* Of a Service and of a backend. */
static __always_inline void count_bytes(struct counters *counters, const struct traffic *traffic)
{
	ADD_ANY(counters->bytes_sent, traffic->sent);
	ADD_ANY(counters->bytes_received, traffic->received);
}

static __always_inline void count_traffic(const struct tallies *tallies,
					  const struct traffic *traffic)
{
	if (tallies->service) {
		count_bytes(&tallies->service->total, traffic);
		ADD_ANY(tallies->service->retransmits, traffic->retransmits);
		ADD_ANY(tallies->service->rtt_us, traffic->rtt_us);
		ADD_ANY(tallies->service->rtt_samples, !!traffic->rtt_us);
	}
	if (tallies->backend)
		count_bytes(&tallies->backend->total, traffic);
	if (tallies->caller) {
		ADD_ANY(tallies->caller->bytes_sent, traffic->sent);
		ADD_ANY(tallies->caller->bytes_received, traffic->received);
	}
}

#endif
