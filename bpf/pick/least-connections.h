/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * LeastConnections: the largest weight / load. Without load a backend comes before every one with
 * load, among those the heaviest. Equals are drawn by weight.
 */
#ifndef SHUNT_PICK_LEAST_CONNECTIONS_H
#define SHUNT_PICK_LEAST_CONNECTIONS_H

#include "load.h"

/* Above this, the better of two that are drawn by weight: the look at all of them takes too long. */
#define LEAST_SCANNED_MAX 32

/* No weight is as large: no load at all weighs less than any in any comparison. */
#define LOAD_SHIFT 20

/* What a weight is divided by. Products of the two have 61 bits, up to 2^24 connections. */
static __always_inline __u64 divisor_of(const struct backend_stats *stats)
{
	__u64 load = load_of(&stats->total);

	return load << LOAD_SHIFT | (load - 1) >> 63;
}

/* Knuth's MMIX generator: many draws of one random number, of which the high half is good. */
static __always_inline __u32 next_random(__u64 *state)
{
	*state = *state * 6364136223846793005ULL + 1442695040888963407ULL;
	return *state >> 32;
}

/* Each of those that are equal so far takes the place with its share of their weights. */
static __always_inline bool pick_least_of_all(const struct range *range, __u32 random, __u32 *entry)
{
	__u64 best_weight = 0, best_divisor = 1, equals = 0, state = random;
	__u32 before = 0;

	for (__u32 column = 0; column < LEAST_SCANNED_MAX && column < range->count; column++) {
		const struct slot *slot = column_at(range, column);
		const struct backend_stats *stats;
		__u64 weight, divisor, own, best;

		if (!slot)
			return false;
		stats = bpf_map_lookup_elem(&backend_stats, &slot->backend);
		if (!stats)
			return false;
		weight = slot->until - before;
		before = slot->until;
		divisor = divisor_of(stats);
		own = weight * best_divisor;
		best = best_weight * divisor;
		if (own < best)
			continue;
		equals = weight + (own == best ? equals : 0);
		if (next_random(&state) * equals >= weight << 32)
			continue;
		best_weight = weight;
		best_divisor = divisor;
		*entry = slot->backend;
	}
	return best_weight;
}

static __always_inline bool pick_least_of_two(const struct range *range, __u32 random,
					      __u32 other_random, __u32 *entry)
{
	struct contender one, other;

	if (!draw(range, random, &one) || !draw(range, other_random, &other))
		return false;
	*entry = other.weight * divisor_of(one.stats) > one.weight * divisor_of(other.stats)
			 ? other.backend
			 : one.backend;
	return true;
}

#endif
