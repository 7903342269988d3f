/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What this node has going on with a backend, and two backends drawn to be compared. */
#ifndef SHUNT_PICK_LOAD_H
#define SHUNT_PICK_LOAD_H

#include "weighted.h"

/*
 * Pending and live connections. Other processors count meanwhile, and while tables grow the
 * beginnings are still in the old ones: less than none is none. Without a branch: the verifier would
 * follow both ways, for each backend anew.
 */
static __always_inline __u64 load_of(const struct counters *counters)
{
	__s64 load = counters->attempts - counters->refused - counters->timed_out -
		     counters->unreachable - counters->abandoned - counters->closed;

	return load & ~(load >> 63);
}

struct contender {
	__u32 backend;
	__u32 weight;
	const struct backend_stats *stats;
};

static __always_inline bool draw(const struct range *range, __u32 random,
				 struct contender *contender)
{
	const struct backend *backend;
	__u32 index;

	if (!pick_weighted(range, random, &index))
		return false;
	backend = bpf_map_lookup_elem(&backends, &index);
	contender->backend = index;
	contender->stats = bpf_map_lookup_elem(&backend_stats, &index);
	if (!backend || !contender->stats)
		return false;
	contender->weight = backend->weight;
	return true;
}

#endif
