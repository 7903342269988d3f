/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Sockets that are not redirected to any more. */
#ifndef SHUNT_SAME_NODE_UNFIT_H
#define SHUNT_SAME_NODE_UNFIT_H

#include "tables.h"

/*
 * Of a socket that is to be joined. Fewer make connections dear that have little to say, and take for
 * event loops those who only begin without blocking: for a handshake, say.
 */
#define PLAIN_READS_MIN 32

/* For the other end, which then is not joined to nobody. */
static __always_inline void note_unjoinable(const struct candidate *candidate, __u32 why)
{
	struct flow own = reversed(&candidate->peer);

	bpf_map_update_elem(&unjoinable, &own, &why, BPF_ANY);
}

static __always_inline bool is_peer_unjoinable(const struct candidate *candidate)
{
	return bpf_map_lookup_elem(&unjoinable, &candidate->peer) != NULL;
}

/* The other end sees it with its next message. */
static __always_inline void tell_peer(const struct candidate *candidate, __u32 why)
{
	struct flow own = reversed(&candidate->peer);
	struct peer *peer = bpf_map_lookup_elem(&peers, &own);

	if (peer && peer->cookie == candidate->cookie)
		peer->unfit = why;
}

static __always_inline void make_unfit(struct candidate *candidate, __u32 why)
{
	struct same_node_stats *stats = own_stats();

	if (candidate->unfit)
		return;
	candidate->since_ns = bpf_ktime_get_ns();
	/* A barrier as well: a walk that joins it meanwhile looks in the other order, so one of the two tells. */
	if (__sync_val_compare_and_swap(&candidate->unfit, UNFIT_NOT, why))
		return;
	if (candidate->joined)
		tell_peer(candidate, why);
	else if (!is_peer_unjoinable(candidate)) /* else nobody would look */
		note_unjoinable(candidate, why);
	if (stats && why < UNFIT_COUNT)
		stats->unfit[why]++;
}

/* In the process that reads: what it has done once, it will do again. */
static __always_inline void demote(struct candidate *candidate, __u32 why)
{
	__u64 cgroup = bpf_get_current_cgroup_id();

	if (candidate->joined)
		bpf_map_update_elem(&demoted, &cgroup, &why, BPF_ANY);
	make_unfit(candidate, why);
}

#endif
