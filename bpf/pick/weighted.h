/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* WeightedRandom: exact shares, one random number and one read, whatever the number of backends. */
#ifndef SHUNT_PICK_WEIGHTED_H
#define SHUNT_PICK_WEIGHTED_H

#include "../range.h"

/* Walker's alias method: column and fraction come from one random number. */
static __always_inline __u32 alias_choice(const struct slot *slot, __u64 product)
{
	return (__u32)product < slot->threshold ? slot->backend : slot->alias;
}

/* False: the range leads outside of the table. */
static __always_inline bool pick_weighted(const struct range *range, __u32 random, __u32 *entry)
{
	__u64 product = (__u64)random * range->count;
	const struct slot *slot = column_at(range, product >> 32);

	if (!slot)
		return false;
	*entry = alias_choice(slot, product);
	return true;
}

#endif
