/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* From a frontend to one of its endpoints, chosen anew: through an arm if it has arms. */
#ifndef SHUNT_ENDPOINT_H
#define SHUNT_ENDPOINT_H

#include "choose.h"
#include "client.h"
#include "pick/least-connections.h"
#include "pick/maglev.h"
#include "pick/peak-ewma.h"
#include "pick/round-robin.h"
#include "pick/weighted.h"

enum route {
	ROUTE_PASS,   /* not ours */
	ROUTE_SEND,   /* `choice` says where */
	ROUTE_REFUSE, /* nobody answers */
	ROUTE_ARM,    /* nobody answers in the share that it fell to: refuse */
	ROUTE_CLOSED, /* the Service has no such port: refuse */
	ROUTE_BROKEN, /* refuse, and it is our fault */
};

/* One random number is more than a call costs: so each way takes only what it needs. */
static __always_inline bool pick_least(const struct range *range, __u32 *entry)
{
	if (range->count <= LEAST_SCANNED_MAX)
		return pick_least_of_all(range, bpf_get_prandom_u32(), entry);
	return pick_least_of_two(range, bpf_get_prandom_u32(), bpf_get_prandom_u32(), entry);
}

/* What pick_by_rule() returns where a table leads outside of another. No table is as large. */
#define NOWHERE 0xffffffff

/* Beside the flags of struct service: an endpoint of IPv6 is wanted. */
#define PICK_IPV6 0x80000000

/*
 * A call, so that random choice, which is what most Services have, stays short; and not a static one, for
 * the reason that APART has. `service` has the turns: the Service itself, or an arm.
 */
__noinline __u32 pick_by_rule(struct bpf_sock_addr *ctx, __u64 base_count, __u32 service,
			      __u32 algorithm, __u32 flags)
{
	struct range range = { base_count >> 32, base_count };
	__u32 entry = NOWHERE;
	bool picked = false;
	__u64 turn;

	switch (algorithm) {
	case ALGORITHM_ROUND_ROBIN:
		picked = take_turn(service, flags & PICK_IPV6, &turn) &&
			 pick_in_turn(&range, turn, &entry);
		return picked ? entry : NOWHERE;
	case ALGORITHM_LEAST_CONNECTIONS:
		picked = pick_least(&range, &entry);
		return picked ? entry : NOWHERE;
	case ALGORITHM_PEAK_EWMA:
		picked = pick_cheaper_of_two(&range, bpf_get_prandom_u32(), bpf_get_prandom_u32(),
					     ewma_clock(), &entry);
		return picked ? entry : NOWHERE;
	case ALGORITHM_MAGLEV:
		picked =
			pick_by_hash(&range, client_hash(ctx, flags & SERVICE_HASH_SOURCE), &entry);
	}
	if (!picked)
		picked = pick_weighted(&range, bpf_get_prandom_u32(), &entry);
	return picked ? entry : NOWHERE;
}

/* Puts the range and the rule of an arm for those of the frontend. */
static __always_inline enum route take_arm(struct range *range, const struct service **rule,
					   __u32 *service)
{
	struct service_stats *stats;
	const struct arm *arm;
	__u32 number;

	if (!pick_weighted(range, bpf_get_prandom_u32(), &number))
		return ROUTE_BROKEN;
	arm = arm_at(range, number);
	if (!arm)
		return ROUTE_BROKEN;
	*range = (struct range){ arm->slot_base, arm->slot_count };
	*service = arm->service;
	*rule = bpf_map_lookup_elem(&services, service);
	if (!*rule)
		return ROUTE_BROKEN;
	if (range->count)
		return ROUTE_SEND;
	stats = bpf_map_lookup_elem(&service_stats, service);
	if (stats)
		ADD(stats->total.rejected, 1);
	return ROUTE_ARM;
}

/* Datagrams are no connections: where nothing is counted, least would be the heaviest, always. */
static __always_inline bool by_chance(__u32 algorithm, bool datagram)
{
	return algorithm == ALGORITHM_WEIGHTED_RANDOM ||
	       (datagram &&
		(algorithm == ALGORITHM_LEAST_CONNECTIONS || algorithm == ALGORITHM_PEAK_EWMA));
}

static __always_inline enum route choose_endpoint(struct bpf_sock_addr *ctx,
						  const struct address *asked,
						  const struct frontend *frontend,
						  const struct service *rule, bool datagram,
						  struct choice *choice)
{
	__u32 ipv6 = address_family(asked) == 6 ? PICK_IPV6 : 0;
	struct range range = { frontend->slot_base, frontend->slot_count };
	__u32 service = frontend->service, entry = NOWHERE;
	__u32 algorithm;

	if (frontend->flags & FRONTEND_ARMS) {
		enum route route = take_arm(&range, &rule, &service);

		if (route != ROUTE_SEND)
			return route;
	}
	algorithm = rule->algorithm;
	choice->timed = algorithm == ALGORITHM_PEAK_EWMA;
	if (by_chance(algorithm, datagram))
		pick_weighted(&range, bpf_get_prandom_u32(), &entry);
	else
		entry = pick_by_rule(ctx, (__u64)range.base << 32 | range.count, service, algorithm,
				     rule->flags | ipv6);
	return take_backend(entry, choice) ? ROUTE_SEND : ROUTE_BROKEN;
}

#endif
