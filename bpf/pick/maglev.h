/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Maglev (Eisenbud et al., NSDI 2016): a client goes where the look-up table says. The agent fills it
 * so that it is the same on every node and changes little when a backend comes or goes.
 */
#ifndef SHUNT_PICK_MAGLEV_H
#define SHUNT_PICK_MAGLEV_H

#include "../range.h"

/* False: there is no table (yet). */
static __always_inline bool pick_by_hash(const struct range *range, __u32 hash, __u32 *entry)
{
	const struct choice_header *header = header_of(range);

	if (!header || !header->lookup_size)
		return false;
	return lookup_at(range, hash % header->lookup_size, entry);
}

#endif
