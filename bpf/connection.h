/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a socket remembers of its Service, from connect() until it ends.
 *
 * Creating socket storage costs about 1.4 us, four times the whole rest of a connect, and a hash
 * entry about 0.8 us; a claim in an array costs 0.1 us. So connections live in an array: socket
 * cookies are handed out in sequence, and a cookie's low bits name a set of CONNECTION_WAYS
 * places, any of which will do. The sequence walks through the whole table before it comes back
 * to a set, so a set is full only where connections have outlived that many others. Such a
 * connection goes to socket storage: slower, without limit.
 *
 * A place is claimed by compare-and-swap of its cookie and given back by exchange: whoever gets
 * the cookie back ends the connection, once.
 */
#ifndef SHUNT_CONNECTION_H
#define SHUNT_CONNECTION_H

#include "address.h"
#include "choose.h"
#include "count.h"

/* Number of places in `connections`, less one set, as a mask: (sets - 1) * CONNECTION_WAYS. */
const volatile __u32 connection_set_mask = 0;

static __always_inline struct connection *connection_place(__u64 cookie, __u32 way)
{
	__u32 index = (((__u32)cookie * CONNECTION_WAYS) & connection_set_mask) + way;

	return bpf_map_lookup_elem(&connections, &index);
}

static __always_inline bool connections_overflowed(void)
{
	__u32 index = VERDICT_OVERFLOWED;
	__u64 *count = bpf_map_lookup_elem(&verdicts, &index);

	return count && *count;
}

/* `sk` may be NULL. */
static __always_inline struct connection *connection_find(__u64 cookie, struct bpf_sock *sk)
{
	struct connection *connection;

#pragma unroll
	for (__u32 way = 0; way < CONNECTION_WAYS; way++) {
		connection = connection_place(cookie, way);
		if (connection && connection->cookie == cookie)
			return connection;
	}
	if (!sk || !connections_overflowed())
		return NULL;
	connection = bpf_sk_storage_get(&connections_overflow, sk, NULL, 0);
	if (connection && connection->cookie == cookie)
		return connection;
	return NULL;
}

/* On kernels before 5.12, which have no compare-and-swap, the object is built without. */
static __always_inline bool claim(__u64 *owner, __u64 cookie)
{
#ifdef SHUNT_NO_CMPXCHG
	if (*owner)
		return false;
	*owner = cookie;
	return true;
#else
	return __sync_val_compare_and_swap(owner, 0, cookie) == 0;
#endif
}

static __always_inline bool give_back(__u64 *owner, __u64 cookie)
{
#ifdef SHUNT_NO_CMPXCHG
	bool mine = *owner == cookie;

	*owner = 0;
	return mine;
#else
	return __sync_lock_test_and_set(owner, 0) == cookie;
#endif
}

static __always_inline struct connection *connection_claim(__u64 cookie, struct bpf_sock *sk)
{
	struct connection *connection;

#pragma unroll
	for (__u32 way = 0; way < CONNECTION_WAYS; way++) {
		connection = connection_place(cookie, way);
		if (connection && claim(&connection->cookie, cookie))
			return connection;
	}
	if (!sk)
		return NULL;
	connection =
		bpf_sk_storage_get(&connections_overflow, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (!connection)
		return NULL;
	count_verdict(VERDICT_OVERFLOWED);
	connection->cookie = cookie;
	return connection;
}

enum outcome {
	OUTCOME_CLOSED,
	OUTCOME_RESET,
	OUTCOME_BROKEN,
	OUTCOME_REFUSED,
	OUTCOME_TIMED_OUT,
	OUTCOME_UNREACHABLE,
	OUTCOME_ABANDONED,
};

static __always_inline void count_outcome(struct counters *counters, enum outcome outcome)
{
	switch (outcome) {
	case OUTCOME_RESET:
		ADD(counters->reset, 1);
		ADD(counters->closed, 1);
		break;
	case OUTCOME_BROKEN:
		ADD(counters->broken, 1);
		ADD(counters->closed, 1);
		break;
	case OUTCOME_CLOSED:
		ADD(counters->closed, 1);
		break;
	case OUTCOME_REFUSED:
		ADD(counters->refused, 1);
		break;
	case OUTCOME_TIMED_OUT:
		ADD(counters->timed_out, 1);
		break;
	case OUTCOME_UNREACHABLE:
		ADD(counters->unreachable, 1);
		break;
	case OUTCOME_ABANDONED:
		ADD(counters->abandoned, 1);
		break;
	}
}

/* Counts how it ended and forgets it. */
static __always_inline void connection_end(struct connection *connection, __u64 cookie,
					   enum outcome outcome, __u64 bytes_sent,
					   __u64 bytes_received)
{
	struct service_stats *service =
		service_counters(connection->service, connection->service_generation);
	struct backend_stats *backend =
		backend_counters(connection->backend, connection->backend_generation);

	if (!give_back(&connection->cookie, cookie))
		return;
	if (service) {
		count_outcome(&service->total, outcome);
		ADD(service->total.bytes_sent, bytes_sent);
		ADD(service->total.bytes_received, bytes_received);
	}
	if (backend) {
		count_outcome(&backend->total, outcome);
		ADD(backend->total.bytes_sent, bytes_sent);
		ADD(backend->total.bytes_received, bytes_received);
	}
}

/* Ends one that no callback will end: it never got as far as a SYN, or it is not TCP. */
static __always_inline void connection_drop(struct connection *connection, __u64 cookie)
{
	bool active = connection->state == CONNECTION_ACTIVE;

	connection_end(connection, cookie, active ? OUTCOME_CLOSED : OUTCOME_UNREACHABLE, 0, 0);
}

#endif
