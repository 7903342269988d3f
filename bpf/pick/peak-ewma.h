/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * PeakEwma: of two that are drawn by weight the one that costs less, which is
 * time to answer * (load + 1) / weight. What never answered costs a microsecond.
 */
#ifndef SHUNT_PICK_PEAK_EWMA_H
#define SHUNT_PICK_PEAK_EWMA_H

#include "../ewma.h"
#include "load.h"

/* 26 bits and 20 bits; a weight has 17 at most (100,000). */
static __always_inline __u64 cost_times_weight(const struct contender *contender, __u32 now)
{
	__u32 us = ewma_us(contender->stats, now);

	return (__u64)(us ? us : 1) * (load_of(&contender->stats->total) + 1);
}

static __always_inline bool pick_cheaper_of_two(const struct range *range, __u32 random,
						__u32 other_random, __u32 now, __u32 *entry)
{
	struct contender one, other;

	if (!draw(range, random, &one) || !draw(range, other_random, &other))
		return false;
	*entry = cost_times_weight(&other, now) * one.weight <
				 cost_times_weight(&one, now) * other.weight
			 ? other.backend
			 : one.backend;
	return true;
}

#endif
