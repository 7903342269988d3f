/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Joining, by a walk over the sockets that are remembered: those of all network namespaces and no
 * others, so that nothing is attached to any device and nobody has to enter a namespace. The agent
 * has it done when a socket has ripened.
 */
#ifndef SHUNT_SAME_NODE_JOIN_H
#define SHUNT_SAME_NODE_JOIN_H

#include "edge.h"
#include "ends.h"
#include "fit.h"
#include "unfit.h"

/* No read takes as long, from its beginning until it holds the socket. */
#define UNPUBLISHED_NS (NS_PER_S / 100)

/* Bytes that nobody has read and that are gone: they were spliced, and a joined socket has no splice. */
static __always_inline bool adds_up(const struct candidate *candidate, const struct tcp_sock *tcp)
{
	return (__u32)candidate->bytes_read == tcp->copied_seq - candidate->first_seq;
}

/* A read may be under way: it is looked at once more, soon. */
static __always_inline void doubt_reads(struct candidate *candidate)
{
	if (candidate->doubted)
		make_unfit(candidate, UNFIT_SPLICES);
	else
		ask_for_walk();
	candidate->doubted = true;
}

static __always_inline void join(struct candidate *candidate, struct sock *sk,
				 const struct tcp_sock *tcp)
{
	__u64 cookie = candidate->cookie;

	if (!adds_up(candidate, tcp)) {
		doubt_reads(candidate);
		return;
	}
	if (!has_plain_options(tcp)) {
		make_unfit(candidate, UNFIT_OPTIONS);
		return;
	}
	if (!is_nonblocking(sk)) {
		make_unfit(candidate, UNFIT_BLOCKS);
		return;
	}
	if (!misses_nothing(candidate, sk))
		return;
	if (is_peer_unjoinable(candidate)) {
		make_unfit(candidate, UNFIT_PEER);
		return;
	}
	if (bpf_map_update_elem(&joined, &cookie, sk, BPF_NOEXIST)) {
		make_unfit(candidate, UNFIT_REFUSED);
		return;
	}
	candidate->since_ns = bpf_ktime_get_ns();
	candidate->joined = true;
	ask_for_walk();
}

/*
 * The peer finds it, some time after it was joined: a read that had begun by then knows nothing of what is
 * redirected, and would take what comes by TCP afterwards first.
 */
static __always_inline void publish(struct candidate *candidate, const struct sock *sk,
				    const struct tcp_sock *tcp)
{
	struct peer peer = { .cookie = candidate->cookie,
			     .sock = (__u64)tcp,
			     .account = candidate->account };
	struct flow own = reversed(&candidate->peer);
	__u32 why;

	if (bpf_ktime_get_ns() - candidate->since_ns < UNPUBLISHED_NS || sk->sk_lock.owned) {
		ask_for_walk();
		return;
	}
	if (bpf_map_update_elem(&peers, &own, &peer, BPF_ANY))
		return;
	candidate->published = true;
	/* Its reader may have shown otherwise meanwhile, when nobody would have found it here: see make_unfit(). */
	why = __sync_fetch_and_add(&candidate->unfit, 0);
	if (why)
		tell_peer(candidate, why);
}

/* What has come to light since it was joined: it may have taken to epoll, or its other end is never joined. */
static __always_inline __u32 unfit_since(const struct candidate *candidate, const struct sock *sk)
{
	if (misses_bytes(candidate, sk))
		return UNFIT_EDGE;
	return is_peer_unjoinable(candidate) ? UNFIT_PEER : UNFIT_NOT;
}

/*
 * A sender may still be on its way with what it was told to redirect, also for long if a call on this
 * socket takes long, and what was redirected may not have been read: what is taken out too early is lost.
 */
static __always_inline void part(struct candidate *candidate, const struct sock *sk)
{
	__u64 cookie = candidate->cookie;

	if (bpf_ktime_get_ns() - candidate->since_ns < NS_PER_S || sk->sk_lock.owned ||
	    sk->sk_backlog.rmem_alloc.counter)
		return;
	if (!bpf_map_delete_elem(&joined, &cookie))
		candidate->joined = false;
}

static __always_inline bool is_welcome(struct candidate *candidate)
{
	const struct same_node_control *control = read_control();

	return control && !control->off && is_still_wanted(candidate, control);
}

/* Ripe first, as reader.h has it. */
static __always_inline bool can_be_joined(struct candidate *candidate)
{
	return !candidate->joined && READ_ONCE(candidate->plain_reads) >= PLAIN_READS_MIN &&
	       !READ_ONCE(candidate->unfit) && is_welcome(candidate);
}

SEC("iter/bpf_sk_storage_map")
int shunt_same_node_walk(struct bpf_iter__bpf_sk_storage_map *ctx)
{
	struct candidate *candidate = ctx->value;
	struct sock *sk = ctx->sk;
	struct tcp_sock *tcp;
	__u32 why;
	__u8 seen;

	if (!sk || !candidate || !candidate->cookie)
		return 0;
	tcp = bpf_skc_to_tcp_sock(sk);
	if (!tcp || sk->__sk_common.skc_state != BPF_TCP_ESTABLISHED)
		return 0;
	if (candidate->joined && !is_welcome(candidate))
		make_unfit(candidate, UNFIT_UNWANTED);
	why = candidate->joined && !candidate->unfit ? unfit_since(candidate, sk) : UNFIT_NOT;
	if (why)
		make_unfit(candidate, why);
	if (candidate->joined && candidate->unfit)
		part(candidate, sk);
	else if (candidate->joined && !candidate->published)
		publish(candidate, sk, tcp);
	else if (can_be_joined(candidate))
		join(candidate, sk, tcp);
	seen = candidate->joined ? SEEN_JOINED : candidate->unfit ? SEEN_UNFIT : SEEN_CANDIDATE;
	bpf_seq_write(ctx->meta->seq, &seen, sizeof(seen));
	return 0;
}

#endif
