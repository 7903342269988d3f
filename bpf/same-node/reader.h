/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How a socket is read. One that has read some times without blocking and without odd flags is ripe
 * to be joined; one that has not done so, once, never is, and if it was joined already, neither are
 * the other sockets of its cgroup from then on. Each read of the node costs something as long as
 * this is attached, and so it is only as long as there is a connection that both ends want joined.
 */
#ifndef SHUNT_SAME_NODE_READER_H
#define SHUNT_SAME_NODE_READER_H

#include <bpf/bpf_tracing.h>

#include "edge.h"
#include "program.h"
#include "unfit.h"

static __always_inline __u32 unfit_by_flags(int flags)
{
	if (flags & (MSG_WAITALL | MSG_TRUNC | MSG_OOB))
		return UNFIT_FLAGS;
	return flags & MSG_DONTWAIT ? UNFIT_NOT : UNFIT_BLOCKS;
}

/* Of one that is about to be ripe: who reads, and whom it speaks with. */
static __always_inline __u32 unfit_by_company(const struct candidate *candidate)
{
	__u64 cgroup = bpf_get_current_cgroup_id();

	if (bpf_map_lookup_elem(&demoted, &cgroup))
		return UNFIT_WORKLOAD;
	if (trusts_what_joining_changes())
		return UNFIT_PROGRAM;
	return is_peer_unjoinable(candidate) ? UNFIT_PEER : UNFIT_NOT;
}

/*
 * One that has never been ripe is not joined and never will be: forgotten, its further reads cost
 * as little as those of any other socket. Unfit first, then whether it is ripe, with a barrier in
 * between: a walk looks at them in the other order, and joins nothing that has been forgotten.
 */
static __always_inline void reject(struct candidate *candidate, struct sock *sk, __u32 why)
{
	demote(candidate, why);
	if (__sync_fetch_and_add(&candidate->plain_reads, 0) < PLAIN_READS_MIN)
		bpf_sk_storage_delete(&candidates, sk);
}

/* What has been read before nobody knows: reads that are counted begin with this one. */
static __always_inline void begin_to_see(struct candidate *candidate, struct sock *sk)
{
	struct tcp_sock *tcp = bpf_skc_to_tcp_sock(sk);

	if (!tcp)
		return;
	candidate->unseen = false;
	candidate->first_seq = tcp->copied_seq - (__u32)candidate->bytes_read;
}

/* `result` is what recvmsg() returns: bytes, 0 at the end, or an error. */
SEC("tp_btf/sock_recv_length")
int BPF_PROG(shunt_same_node_read, struct sock *sk, int result, int flags)
{
	struct candidate *candidate;
	__u32 unfit;

	/* Most sockets of a node are none of ours. */
	if (!sk->sk_bpf_storage || flags & MSG_ERRQUEUE)
		return 0;
	candidate = bpf_sk_storage_get(&candidates, sk, NULL, 0);
	if (!candidate || candidate->unfit)
		return 0;
	if (result > 0 && !(flags & MSG_PEEK))
		candidate->bytes_read += result;
	if (candidate->unseen)
		begin_to_see(candidate, sk);
	if (candidate->plain_reads < PLAIN_READS_MIN)
		note_reading_on(candidate, result);
	unfit = unfit_by_flags(flags);
	if (!unfit && result > 0 && candidate->plain_reads + 1 == PLAIN_READS_MIN)
		unfit = unfit_by_company(candidate);
	if (unfit)
		reject(candidate, sk, unfit);
	else if (result > 0 && ++candidate->plain_reads == PLAIN_READS_MIN)
		ask_for_walk();
	return 0;
}

#endif
