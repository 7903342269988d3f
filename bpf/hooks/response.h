/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How long a backend takes from the request to the first byte of its answer, for PeakEwma.
 *
 * Nothing runs for a segment that comes. But who asks to be asked for header options is called for
 * each one that goes, and the first one that goes after the answer came is the acknowledgement of
 * it, at once. So the flag is set when a connection is established and taken away with its first
 * answer. No option is written and no room is taken: nothing changes on the wire.
 */
#ifndef SHUNT_HOOKS_RESPONSE_H
#define SHUNT_HOOKS_RESPONSE_H

#include "../connection.h"

static __always_inline bool knows_times(void)
{
	return bpf_core_field_exists(struct tcp_sock, tcp_mstamp) &&
	       bpf_core_field_exists(struct tcp_sock, first_tx_mstamp) &&
	       bpf_core_field_exists(struct tcp_sock, rcvq_space.time);
}

/* From the last byte of the request; from the handshake, where the backend speaks first. */
static __always_inline __s64 answered_after_us(const struct tcp_sock *tcp)
{
	__u64 sent = tcp->first_tx_mstamp;

	return tcp->tcp_mstamp - (sent ? sent : tcp->rcvq_space.time);
}

/* A slow handshake shows a backend that does not keep up; a quick one is the kernel's alone. */
static __always_inline void await_answer(struct bpf_sock_ops *ctx, struct connection *connection,
					 __u64 took_ns)
{
	__u32 flags = ctx->bpf_sock_ops_cb_flags;

	if (!(connection->flags & CONNECTION_TIMED))
		return;
	sample_answer(connection, took_ns / 1000, true);
	if (!knows_times())
		return;
	connection->flags |= CONNECTION_AWAITED;
	/* Another program may have use for the same calls. */
	if (flags & BPF_SOCK_OPS_WRITE_HDR_OPT_CB_FLAG)
		return;
	connection->flags |= CONNECTION_CALLS;
	bpf_sock_ops_cb_flags_set(ctx, flags | BPF_SOCK_OPS_WRITE_HDR_OPT_CB_FLAG);
}

static __always_inline void sample_failure(const struct connection *connection, __u64 took_ns)
{
	__u64 took_us = took_ns / 1000;

	sample_answer(connection, took_us > FAILURE_US ? took_us : FAILURE_US, false);
}

/* Without the FIN, which tcp_info counts as a byte. */
static __always_inline __u64 payload_received(const struct bpf_sock_ops *ctx, const struct sock *sk)
{
	__u64 fin =
		sk->__sk_common.skc_flags >> bpf_core_enum_value(enum sock_flags, SOCK_DONE) & 1;
	__u64 received = ctx->bytes_received;

	return received > fin ? received - fin : 0;
}

static __always_inline __u64 since_us(__u64 then_us)
{
	__s64 us = bpf_ktime_get_ns() / 1000 - then_us;

	return us > 0 ? us : 0;
}

/*
 * A request that has had no answer when its client ends the connection took as long as that, at
 * least; one that its backend ended so has failed. Where nothing was asked, nothing was owed.
 */
static __always_inline void sample_silence(const struct connection *connection,
					   const struct tcp_sock *tcp, bool by_backend)
{
	__u64 sent = tcp->first_tx_mstamp;

	if (!sent)
		return;
	if (by_backend)
		sample_failure(connection, since_us(sent) * 1000);
	else
		sample_answer(connection, since_us(sent), true);
}

/* Ended by no FIN of ours: that was a segment, and what it ended is judged. */
static __always_inline void judge_end(const struct connection *connection,
				      const struct tcp_sock *tcp, __u32 last_state, __u64 received,
				      int error)
{
	if (connection->flags & CONNECTION_AWAITED && !received && knows_times() &&
	    last_state == BPF_TCP_ESTABLISHED)
		sample_silence(connection, tcp, error);
}

static __always_inline void no_answer(const struct bpf_sock_ops *ctx, struct connection *connection,
				      const struct tcp_sock *tcp)
{
	switch (ctx->state) {
	case BPF_TCP_FIN_WAIT1:
		sample_silence(connection, tcp, false);
		break;
	case BPF_TCP_CLOSE_WAIT:
	case BPF_TCP_LAST_ACK:
		sample_silence(connection, tcp, true);
		connection->flags &= ~CONNECTION_AWAITED;
	}
}

/* A segment goes. */
static __always_inline void on_segment(struct bpf_sock_ops *ctx, struct connection *connection)
{
	struct tcp_sock *tcp;
	__s64 took_us;

	if (!(connection->flags & CONNECTION_AWAITED) || !ctx->sk)
		return;
	if (!ctx->bytes_received && ctx->state == BPF_TCP_ESTABLISHED)
		return;
	tcp = bpf_skc_to_tcp_sock(ctx->sk);
	if (!tcp || !knows_times())
		return;
	if (!payload_received(ctx, (struct sock *)tcp)) {
		no_answer(ctx, connection, tcp);
		return;
	}
	took_us = answered_after_us(tcp);
	sample_answer(connection, took_us > 0 ? took_us : 0, false);
	if (connection->flags & CONNECTION_CALLS)
		bpf_sock_ops_cb_flags_set(ctx, ctx->bpf_sock_ops_cb_flags &
						       ~BPF_SOCK_OPS_WRITE_HDR_OPT_CB_FLAG);
	connection->flags &= ~(CONNECTION_AWAITED | CONNECTION_CALLS);
}

#endif
