/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The backend that was chosen, and the one that was chosen before. */
#ifndef SHUNT_CHOOSE_H
#define SHUNT_CHOOSE_H

#include "address.h"
#include "count.h"

struct choice {
	const struct backend *to;
	__u32 backend;
	__u32 backend_generation;
	__u32 service;
	__u32 service_generation;
	bool timed; /* by PeakEwma: how it answers is wanted */
};

/*
 * A record that is read through an entry found a moment ago is in use, or was retired since: either
 * way it is remembered by the generation in which it was in use.
 */
static __always_inline __u32 generation_in_use(__u32 generation)
{
	return (generation - 1) | 1;
}

static __always_inline bool take_backend(__u32 index, struct choice *choice)
{
	const struct backend *backend = bpf_map_lookup_elem(&backends, &index);

	if (!backend)
		return false;
	choice->to = backend;
	choice->backend = index;
	choice->backend_generation = generation_in_use(backend->generation);
	return true;
}

/* Less than nothing if another processor has used it since the clock was read here. */
static __always_inline __s64 unused_for(const struct affinity *last, __u64 now_ns)
{
	return now_ns - last->last_used_ns;
}

/*
 * The backend used before, if it still is what it was and, with a timeout, was used lately. The
 * entry may be handed to another client while it is read (see frontend.h): it must at least name a
 * backend of this Service and family.
 */
static __always_inline bool choose_remembered(const struct affinity_key *key, __u64 now_ns,
					      __u64 timeout_ns, struct choice *choice)
{
	struct affinity *last = key->kind == AFFINITY_POD
					? bpf_map_lookup_elem(&affinity, key)
					: bpf_map_lookup_elem(&socket_affinity, key);

	if (!last || (timeout_ns && unused_for(last, now_ns) >= (__s64)timeout_ns))
		return false;
	if (!take_backend(last->backend, choice) || choice->to->generation != last->generation)
		return false;
	if (choice->to->service != key->service ||
	    address_family(&choice->to->address) != key->family)
		return false;
	last->last_used_ns = now_ns;
	return true;
}

static __always_inline long put_affinity(const struct affinity_key *key,
					 const struct affinity *used, __u64 flags)
{
	/* Without room the next connection chooses anew: sticky is a preference, not a promise. */
	return key->kind == AFFINITY_POD ? bpf_map_update_elem(&affinity, key, used, flags)
					 : bpf_map_update_elem(&socket_affinity, key, used, flags);
}

/*
 * To be called where nothing good was remembered. Connections that begin at the same time all come
 * here: the others take what the first of them chose.
 */
static __always_inline void remember_choice(const struct affinity_key *key, __u64 now_ns,
					    __u64 timeout_ns, struct choice *choice)
{
	struct affinity used = {
		.last_used_ns = now_ns,
		.backend = choice->backend,
		.generation = choice->backend_generation,
	};

	struct choice first = *choice;

	if (!put_affinity(key, &used, BPF_NOEXIST))
		return;
	if (choose_remembered(key, now_ns, timeout_ns, &first))
		*choice = first;
	else
		put_affinity(key, &used, BPF_ANY);
}

#endif
