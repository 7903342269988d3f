/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * The way of each message of a joined socket. TCP is right at any moment: a reader takes what was
 * redirected before what came by TCP. So any doubt is answered by TCP, and nothing is ever dropped.
 */
#ifndef SHUNT_SAME_NODE_REDIRECT_H
#define SHUNT_SAME_NODE_REDIRECT_H

#include "answer.h"
#include "ends.h"
#include "fit.h"
#include "read-only.h"
#include "sender.h"
#include "unfit.h"

/* A socket that sends mostly by TCP is dearer joined than it would be alone: 30 %. */
#define WEIGHED_MESSAGES 512
#define FELL_BACK_MAX (WEIGHED_MESSAGES * 7 / 8)

/* Whatever the threads of a socket do. */
#define HELD_BYTES_MAX (4 << 20)

static __always_inline bool is_open(const struct sock *sk)
{
	return sk->__sk_common.skc_state == BPF_TCP_ESTABLISHED && !sk->sk_shutdown;
}

/*
 * Another thread of this socket may have been told to redirect and not have done so yet: the kernel
 * lets go of the socket in between. To go by TCP now could tear its message in two. Each such thread
 * holds a reference, beside those of the table and of this one.
 */
static __always_inline bool is_shared_now(const struct sock *own)
{
	__u64 address = (__u64)own->sk_user_data & ~7ULL; /* the low bits are flags */
	const struct sk_psock *psock = READ_ONLY(address, sk_psock);

	return psock->refcnt.refs.counter > 2;
}

/*
 * Each message takes a kilobyte of the kernel (struct sk_msg) that counts in no buffer and for no cgroup:
 * of small ones that is nearly all they take, so they have a limit of their own.
 */
#define SMALL_MESSAGE 1024
#define SMALL_MESSAGES_MAX 1024

static __always_inline bool has_place(struct candidate *candidate, const struct sock *own,
				      const struct sock *peer, __u32 size)
{
	if (!peer->sk_backlog.rmem_alloc.counter)
		candidate->small_unread = 0;
	if (size >= SMALL_MESSAGE || candidate->small_unread < SMALL_MESSAGES_MAX)
		return true;
	return candidate->small_unread < 4 * SMALL_MESSAGES_MAX && is_shared_now(own);
}

/*
 * The kernel sets no limit to what is redirected. Half of the buffer, so that what then goes by TCP
 * finds room and is not dropped, which costs a time-out of 200 ms.
 */
static __always_inline bool has_room(const struct sock *own, const struct sock *peer, __u32 size)
{
	__u32 limit = (__u32)peer->sk_rcvbuf / 2;
	__u32 filled = (__u32)peer->sk_backlog.rmem_alloc.counter + size;

	return filled <= limit || (is_shared_now(own) && filled <= limit * 4 + HELD_BYTES_MAX);
}

/* What there is against it at the ends, or FALLBACK_COUNT. */
static __always_inline __u32 doubt(struct candidate *candidate, const struct peer *known,
				   __u64 cookie, const struct tcp_sock *own, __u32 size)
{
	const struct tcp_sock *tcp = READ_ONLY(known->sock, tcp_sock);
	const struct sock *peer = (const struct sock *)tcp;

	if ((__u64)peer->__sk_common.skc_cookie.counter != cookie)
		return FALLBACK_PEER;
	if (known->unfit)
		return FALLBACK_UNFIT;
	if (!is_open((const struct sock *)own) || !is_open(peer))
		return FALLBACK_STATE;
	/*
	 * All that was ever sent by TCP has been read. Acknowledged would not be enough. Both count in
	 * one sequence, so it also proves that these two are each other's ends.
	 */
	if (own->write_seq != tcp->copied_seq)
		return FALLBACK_UNREAD;
	if (!has_room((const struct sock *)own, peer, size) ||
	    !has_place(candidate, (const struct sock *)own, peer, size))
		return FALLBACK_ROOM;
	if (!has_plain_options(own) || !has_plain_options(tcp) || !is_nonblocking(peer))
		return FALLBACK_OPTIONS;
	return FALLBACK_COUNT;
}

static __always_inline void count_redirected(const struct candidate *candidate,
					     const struct peer *peer, __u32 size)
{
	const struct redirected_key *key = candidate->client ? &candidate->account : &peer->account;
	struct redirected *sum;
	struct redirected none = {};

	if (!key->service_generation) /* no Service was asked */
		return;
	sum = find_or_add(&redirected, key, &none);
	if (!sum)
		return;
	if (candidate->client)
		__sync_fetch_and_add(&sum->bytes_sent, size);
	else
		__sync_fetch_and_add(&sum->bytes_received, size);
}

/*
 * What this end marks as urgent, or lends, is for TCP to send. In one piece: of each piece the kernel
 * moves the urgent mark, or gives notice.
 */
static __always_inline bool sends_plainly(struct sk_msg_md *ctx, struct candidate *candidate,
					  const struct tcp_sock *own)
{
	struct sending sending = sending_now();
	bool lends = has_zero_copy((const struct sock *)own);

	if (lends || sending.flags & MSG_OOB) {
		bpf_msg_pull_data(ctx, 0, ctx->size, 0);
		candidate->sends_by_tcp = true;
	}
	if (lends)
		make_unfit(candidate, UNFIT_OPTIONS);
	return sending.known && !candidate->sends_by_tcp;
}

/* Why not, or FALLBACK_COUNT. */
static __always_inline __u32 obstacle(struct candidate *candidate, const struct peer *peer,
				      __u64 cookie, const struct tcp_sock *own, __u32 size)
{
	const struct same_node_control *control = read_control();

	if (!control || control->off || !is_still_wanted(candidate, control))
		return FALLBACK_OFF;
	return peer ? doubt(candidate, peer, cookie, own, size) : FALLBACK_PEER;
}

static __always_inline void weigh(struct candidate *candidate, __u32 why)
{
	candidate->fell_back += why < FALLBACK_COUNT;
	if (++candidate->sent < WEIGHED_MESSAGES)
		return;
	if (candidate->fell_back > FELL_BACK_MAX)
		make_unfit(candidate, UNFIT_FALLS_BACK);
	candidate->sent = candidate->fell_back = 0;
}

SEC("sk_msg")
int shunt_same_node_message(struct sk_msg_md *ctx)
{
	struct same_node_stats *stats = own_stats();
	struct candidate *candidate;
	struct tcp_sock *own;
	struct peer *peer;
	__u64 cookie;
	__u32 why;

	if (!ctx->sk || !stats)
		return SK_PASS;
	candidate = bpf_sk_storage_get(&candidates, ctx->sk, NULL, 0);
	own = candidate ? bpf_skc_to_tcp_sock(ctx->sk) : NULL;
	if (!own)
		return SK_PASS;
	peer = bpf_map_lookup_elem(&peers, &candidate->peer);
	/* Once: an entry that is pushed out is another's at once, and only what was looked at may be redirected to. */
	cookie = peer ? READ_ONCE(peer->cookie) : 0;
	why = sends_plainly(ctx, candidate, own) ? obstacle(candidate, peer, cookie, own, ctx->size)
						 : FALLBACK_SENDER;
	weigh(candidate, why);
	if (candidate->client)
		begin_exchange(candidate, own);
	if (why < FALLBACK_COUNT)
		stats->fallbacks[why]++;
	if (why < FALLBACK_COUNT || !peer)
		return SK_PASS;
	/* Not found: it has ended, and its end is for TCP to tell. */
	if (bpf_msg_redirect_hash(ctx, &joined, &cookie, BPF_F_INGRESS) != SK_PASS)
		return SK_PASS;
	candidate->small_unread += ctx->size < SMALL_MESSAGE;
	count_redirected(candidate, peer, ctx->size);
	if (!candidate->client && is_measuring())
		end_exchange(peer, READ_ONLY(peer->sock, tcp_sock));
	stats->messages++;
	stats->bytes += ctx->size;
	return SK_PASS;
}

#endif
