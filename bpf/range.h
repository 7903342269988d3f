/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Where a choice is made: the records of a range, see struct choice_header. */
#ifndef SHUNT_RANGE_H
#define SHUNT_RANGE_H

#include "kernel.h"
#include "maps.h"

struct range {
	__u32 base;
	__u32 count;
};

static __always_inline const void *slot_at(__u32 index)
{
	return bpf_map_lookup_elem(&slots, &index);
}

static __always_inline const struct choice_header *header_of(const struct range *range)
{
	return slot_at(range->base);
}

static __always_inline const struct slot *column_at(const struct range *range, __u32 column)
{
	return slot_at(range->base + 1 + column);
}

static __always_inline const struct arm *arm_at(const struct range *range, __u32 number)
{
	return number < range->count ? slot_at(range->base + 1 + range->count + number) : NULL;
}

/* Word `number` of the look-up table, which begins behind the columns. */
static __always_inline bool lookup_at(const struct range *range, __u32 number, __u32 *entry)
{
	const struct lookup *lookup = slot_at(range->base + 1 + range->count + number / 4);

	if (!lookup)
		return false;
	*entry = lookup->backend[number % 4];
	return true;
}

#endif
