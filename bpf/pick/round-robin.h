/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * RoundRobin: in any `total` turns one after the other each backend has exactly its weight in
 * turns. A turn's place in the round is multiplied by a stride that is coprime to the total, so that
 * a round is the same places in another order, and a backend's turns lie apart. Totals of 4 and 6
 * have no such stride that is of use. There it divides the total, and each lap over the round
 * begins one place further on than the last.
 */
#ifndef SHUNT_PICK_ROUND_ROBIN_H
#define SHUNT_PICK_ROUND_ROBIN_H

#include "../count.h"
#include "../range.h"

/* No range has more columns than 2^this. */
#define COLUMN_BITS 21

static __always_inline __u64 *turn_of(__u32 service, bool ipv6)
{
	struct service_stats *stats = bpf_map_lookup_elem(&service_stats, &service);

	if (!stats)
		return NULL;
	return ipv6 ? &stats->turn_ipv6 : &stats->turn;
}

/* Kernels before 5.12 add without telling what was there: two may have one turn. */
static __always_inline bool take_turn(__u32 service, bool ipv6, __u64 *turn)
{
	__u64 *next = turn_of(service, ipv6);

	if (!next)
		return false;
#ifdef SHUNT_NO_CMPXCHG
	*turn = READ_ONCE(*next);
	ADD(*next, 1);
#else
	*turn = ADD(*next, 1);
#endif
	return true;
}

static __always_inline __u64 place_of(__u64 turn, __u32 total, __u32 stride)
{
	__u64 way = turn % total * stride;

	return total % stride ? way % total : way % total + way / total;
}

/* The first column whose `until` lies above the turn's place. */
static __always_inline bool pick_in_turn(const struct range *range, __u64 turn, __u32 *entry)
{
	const struct choice_header *header = header_of(range);
	__u32 low = 0, high = range->count - 1;
	const struct slot *slot;
	__u64 place;

	if (!header || !header->total || !header->stride)
		return false;
	place = place_of(turn, header->total, header->stride);
	for (int bit = 0; bit <= COLUMN_BITS && low < high; bit++) {
		__u32 middle = low + (high - low) / 2;

		slot = column_at(range, middle);
		if (!slot)
			return false;
		if (slot->until > place)
			high = middle;
		else
			low = middle + 1;
	}
	slot = column_at(range, low);
	if (!slot)
		return false;
	*entry = slot->backend;
	return true;
}

#endif
