/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Counters of verdicts, Services and backends. */
#ifndef SHUNT_COUNT_H
#define SHUNT_COUNT_H

#include "kernel.h"
#include "maps.h"

#define ADD(field, n) __sync_fetch_and_add(&(field), n)

static __always_inline void count_verdict(enum verdict verdict)
{
	__u32 index = verdict;
	__u64 *count = bpf_map_lookup_elem(&verdicts, &index);

	if (count)
		ADD(*count, 1);
}

/*
 * Records are reused. Whoever counts for a Service or backend that is gone by now would count for
 * its successor, hence the generation.
 */
static __always_inline struct service_stats *service_counters(__u32 index, __u32 generation)
{
	const struct service *service = bpf_map_lookup_elem(&services, &index);

	if (!service || service->generation != generation)
		return NULL;
	return bpf_map_lookup_elem(&service_stats, &index);
}

static __always_inline struct backend_stats *backend_counters(__u32 index, __u32 generation)
{
	const struct backend *backend = bpf_map_lookup_elem(&backends, &index);

	if (!backend || backend->generation != generation)
		return NULL;
	return bpf_map_lookup_elem(&backend_stats, &index);
}

/* The entry of a hash map, made of `none` where there is no such key; NULL if there is no room. */
static __always_inline void *find_or_add(void *map, const void *key, const void *none)
{
	void *found = bpf_map_lookup_elem(map, key);

	if (found)
		return found;
	bpf_map_update_elem(map, key, none, BPF_NOEXIST);
	return bpf_map_lookup_elem(map, key);
}

/* NULL if it cannot be told who asks, or there are too many. */
static __always_inline struct caller_stats *caller_counters(__u64 cgroup, __u32 service,
							    __u32 service_generation)
{
	struct caller_key key = { .cgroup = cgroup,
				  .service = service,
				  .service_generation = service_generation };
	struct caller_stats *stats, none = {};

	if (!cgroup)
		return NULL;
	stats = find_or_add(&callers, &key, &none);
	if (!stats)
		count_verdict(VERDICT_UNNAMED);
	return stats;
}

/* What counts a connection: for its Service, its backend, and whoever asks. Each may be NULL. */
struct tallies {
	struct service_stats *service;
	struct backend_stats *backend;
	struct caller_stats *caller;
};

static __always_inline struct tallies tallies_of(const struct connection *connection, __u64 cgroup)
{
	return (struct tallies){
		.service = service_counters(connection->service, connection->service_generation),
		.backend = backend_counters(connection->backend, connection->backend_generation),
		.caller = caller_counters(cgroup, connection->service,
					  connection->service_generation),
	};
}

/* Of the process that made the socket, since 5.15; before that it is not known. */
static __always_inline __u64 cgroup_of(const struct sock *sk)
{
	if (!bpf_core_field_exists(sk->sk_cgrp_data.cgroup))
		return 0;
	return sk->sk_cgrp_data.cgroup->kn->id;
}

/* The number of bits of the microseconds, by halving: BPF has no count-leading-zeros. */
static __always_inline __u32 latency_bucket(__u64 ns)
{
	__u64 us = ns / 1000;
	__u32 bucket = 0;

	if (us >> 31)
		return LATENCY_BUCKETS - 1;
	if (us >> 16) {
		us >>= 16;
		bucket += 16;
	}
	if (us >> 8) {
		us >>= 8;
		bucket += 8;
	}
	if (us >> 4) {
		us >>= 4;
		bucket += 4;
	}
	if (us >> 2) {
		us >>= 2;
		bucket += 2;
	}
	if (us >> 1) {
		us >>= 1;
		bucket += 1;
	}
	return bucket + us; /* us is 0 or 1 by now */
}

/* `histogram` has LATENCY_BUCKETS. */
static __always_inline void count_latency(__u64 *histogram, __u64 ns)
{
	__u32 bucket = latency_bucket(ns);

	if (bucket < LATENCY_BUCKETS)
		ADD(histogram[bucket], 1);
}

#endif
