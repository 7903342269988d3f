/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What a socket remembers of its Service, from connect() until it ends.
 *
 * Creating socket storage costs about 1.4 us, four times the whole rest of a connect, and a hash
 * entry about 0.8 us; a claim in an array costs 0.1 us. So connections live in an array: a socket
 * cookie's low bits name a set of CONNECTION_WAYS places, any of which will do. Each CPU hands out
 * cookies one after the other, 4096 at a time, so that sets fill evenly. A connection whose set is
 * full goes to socket storage: slower, without limit.
 *
 * A place is claimed and given back by compare-and-swap of its cookie: whoever gives it back ends
 * the connection, once, and a place that is another's by now stays that other's. Kernels before 5.12
 * have no such thing; there every connection goes to socket storage.
 */
#ifndef SHUNT_CONNECTION_H
#define SHUNT_CONNECTION_H

#include "account.h"
#include "address.h"
#include "choose.h"
#include "count.h"
#include "event.h"
#include "ewma.h"

/* Number of sets in `connections`, a power of two, less one. */
const volatile __u32 connection_set_mask = 0;

/* Where a connection lives, and whose it is as long as that holds the socket's cookie. */
struct place {
	__u64 *owner;
	struct connection *connection;
	__u32 way; /* of its set; not used in socket storage */
};

static __always_inline struct connection_set *connection_home(__u64 cookie)
{
	__u32 index = (__u32)cookie & connection_set_mask;

	return bpf_map_lookup_elem(&connections, &index);
}

static __always_inline bool connections_overflowed(void)
{
	__u32 index = VERDICT_OVERFLOWED;
	const __u64 *count = bpf_map_lookup_elem(&verdicts, &index);

	return count && *count;
}

/* `sk` may be NULL. */
static __always_inline bool connection_find(__u64 cookie, struct bpf_sock *sk, struct place *place)
{
	struct connection_set *set = connection_home(cookie);
	struct connection_overflow *overflow;

	if (!set)
		return false;
#pragma unroll
	for (int way = 0; way < CONNECTION_WAYS; way++) {
		if (set->cookie[way] == cookie) {
			*place = (struct place){ &set->cookie[way], &set->way[way], way };
			return true;
		}
	}
	if (!sk || !connections_overflowed())
		return false;
	overflow = bpf_sk_storage_get(&connections_overflow, sk, NULL, 0);
	if (!overflow || overflow->cookie != cookie)
		return false;
	*place = (struct place){ &overflow->cookie, &overflow->connection };
	return true;
}

static __always_inline bool claim(__u64 *owner, __u64 cookie)
{
#ifdef SHUNT_NO_CMPXCHG
	return false;
#else
	return !*owner && __sync_val_compare_and_swap(owner, 0, cookie) == 0;
#endif
}

static __always_inline bool give_back(__u64 *owner, __u64 cookie)
{
#ifdef SHUNT_NO_CMPXCHG
	bool mine = *owner == cookie;

	if (mine)
		*owner = 0;
	return mine;
#else
	return __sync_val_compare_and_swap(owner, cookie, 0) == cookie;
#endif
}

static __always_inline bool connection_claim(__u64 cookie, struct bpf_sock *sk, struct place *place)
{
	struct connection_set *set = connection_home(cookie);
	struct connection_overflow *overflow;

	if (!set)
		return false;
#pragma unroll
	for (int way = 0; way < CONNECTION_WAYS; way++) {
		if (claim(&set->cookie[way], cookie)) {
			*place = (struct place){ &set->cookie[way], &set->way[way], way };
			return true;
		}
	}
	if (!sk)
		return false;
	overflow = bpf_sk_storage_get(&connections_overflow, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (!overflow)
		return false;
	count_verdict(VERDICT_OVERFLOWED);
	overflow->cookie = cookie;
	*place = (struct place){ &overflow->cookie, &overflow->connection };
	return true;
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

static __always_inline void count_end_of_call(struct caller_stats *caller, bool established,
					      enum outcome outcome)
{
	if (!established) {
		ADD(caller->failed, 1);
		return;
	}
	ADD(caller->closed, 1);
	if (outcome != OUTCOME_CLOSED)
		ADD(caller->broken, 1);
}

APART int count_end(const struct connection *ended, __u64 cgroup, __u32 outcome,
		    const struct traffic *traffic)
{
	struct tallies tallies;

	if (!ended || !traffic)
		return 0;
	tallies = tallies_of(ended, cgroup);
	if (tallies.service)
		count_outcome(&tallies.service->total, outcome);
	if (tallies.backend)
		count_outcome(&tallies.backend->total, outcome);
	if (tallies.caller)
		count_end_of_call(tallies.caller, ended->state == CONNECTION_ACTIVE, outcome);
	count_traffic(&tallies, traffic);
	return 0;
}

/* What an account holds of a connection was counted before. */
static __always_inline void leave_uncounted(struct bpf_sock *sk, struct traffic *traffic)
{
#ifndef SHUNT_NO_CMPXCHG
	bool any = sk && (traffic->sent || traffic->received || traffic->retransmits);
	struct account *account = any ? bpf_sk_storage_get(&accounts, sk, NULL, 0) : NULL;

	if (!account)
		return;
	take_growth_of(account, traffic);
	/* The socket may connect again, and then counts from 0. */
	bpf_sk_storage_delete(&accounts, sk);
#endif
}

_Static_assert(EVENT_ABANDONED - EVENT_CLOSED == OUTCOME_ABANDONED, "ends stand in one order");

static __always_inline void tell_end(struct bpf_sock *sk, const struct connection *ended,
				     __u64 cgroup, enum outcome outcome,
				     const struct traffic *traffic)
{
	struct event_facts facts = { .every = event_every() };

	if (!facts.every)
		return;
	event_times(sk, ended, &facts);
	facts.cgroup = cgroup;
	facts.bytes_sent = traffic->sent;
	facts.bytes_received = traffic->received;
	facts.outcome = EVENT_CLOSED + outcome;
	emit(ended, &facts);
}

/*
 * Counts how it ended, and its traffic, and forgets it. `cgroup` is that of the socket, 0 if nobody
 * knows; `sk` may be NULL.
 */
static __always_inline void connection_end(const struct place *place, __u64 cookie,
					   struct bpf_sock *sk, __u64 cgroup, enum outcome outcome,
					   struct traffic *traffic)
{
	struct connection ended = *place->connection;

	/* Afterwards the place may be another's. */
	if (!give_back(place->owner, cookie))
		return;
	tell_end(sk, &ended, cgroup, outcome, traffic);
	leave_uncounted(sk, traffic);
	count_end(&ended, cgroup, outcome, traffic);
}

/* What it takes a connection to fail, at least, in the eyes of PeakEwma. */
#define FAILURE_US 1000000

/* A call, and no static one, for the reason that APART has. It takes numbers: so all kernels know it. */
__noinline int sample_backend(__u32 index, __u32 generation, __u64 took_us, __u32 raise_only)
{
	struct backend_stats *backend = backend_counters(index, generation);

	if (backend)
		ewma_sample(backend, took_us, ewma_clock(), raise_only);
	return 0;
}

static __always_inline void sample_answer(const struct connection *connection, __u64 took_us,
					  bool raise_only)
{
	if (connection->flags & CONNECTION_TIMED)
		sample_backend(connection->backend, connection->backend_generation, took_us,
			       raise_only);
}

/*
 * Ends one that no callback will end: it never got as far as a SYN, it is not TCP, or somebody took
 * the callbacks away.
 */
static __always_inline void connection_drop(const struct place *place, __u64 cookie,
					    struct bpf_sock *sk, __u64 cgroup)
{
	bool active = place->connection->state == CONNECTION_ACTIVE;
	struct traffic none = {};

	if (!active)
		sample_answer(place->connection, FAILURE_US, false);
	connection_end(place, cookie, sk, cgroup, active ? OUTCOME_CLOSED : OUTCOME_UNREACHABLE,
		       &none);
}

#endif
