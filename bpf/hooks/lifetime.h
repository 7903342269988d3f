/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * How connections fare and end. TCP tells through its state callback, armed before the SYN so
 * that failed connects are seen too; everything else ends when its socket is released.
 */
#ifndef SHUNT_HOOKS_LIFETIME_H
#define SHUNT_HOOKS_LIFETIME_H

#include "../connection.h"
#include "response.h"

static __always_inline __u64 socket_cgroup(const struct bpf_sock_ops *ctx)
{
	const struct tcp_sock *tcp = ctx->sk ? bpf_skc_to_tcp_sock(ctx->sk) : NULL;

	return tcp ? cgroup_of((const struct sock *)tcp) : 0;
}

APART int count_established(const struct connection *connection, __u64 cgroup, __u64 took_ns)
{
	struct tallies tallies;

	if (!connection)
		return 0;
	tallies = tallies_of(connection, cgroup);
	if (tallies.service) {
		ADD(tallies.service->total.established, 1);
		ADD(tallies.service->total.connect_ns, took_ns);
		count_latency(tallies.service->connect_latency, took_ns);
	}
	if (tallies.backend) {
		ADD(tallies.backend->total.established, 1);
		ADD(tallies.backend->total.connect_ns, took_ns);
	}
	if (tallies.caller)
		ADD(tallies.caller->established, 1);
	return 0;
}

/* The first time-outs that are not doubled, as tcp_syn_linear_timeouts is by default since 6.5. */
#define SYN_LINEAR_TIMEOUTS 4

/* From the first SYN to the last: time-outs are 1 s, doubled each time (RFC 6298). */
static __always_inline __u64 sent_again_for_ns(__u32 again)
{
	__u32 linear = 0;

	if (bpf_core_field_exists(struct netns_ipv4, sysctl_tcp_syn_linear_timeouts))
		linear = again < SYN_LINEAR_TIMEOUTS ? again : SYN_LINEAR_TIMEOUTS;
	again -= linear;
	return (linear + (1ULL << (again < 6 ? again : 6)) - 1) * NS_PER_S;
}

/*
 * How long the backend took to answer the SYN. The kernel has measured it already, and its clock is
 * dear: two readings cost as much as all the look-ups. Where the SYN was sent again, the measurement
 * is that of the one that was answered, or there is none: the time-outs come to it. That of the
 * first is no shorter than they are.
 */
static __always_inline __u64 handshake_ns(const struct bpf_sock_ops *ctx)
{
	__u64 rtt_ns = (ctx->srtt_us >> 3) * 1000ULL; /* kept eightfold */
	__u64 before_ns = sent_again_for_ns(ctx->total_retrans);

	return rtt_ns < before_ns ? before_ns + rtt_ns : rtt_ns;
}

static __always_inline void on_established(struct bpf_sock_ops *ctx, struct connection *connection)
{
	__u64 cgroup = socket_cgroup(ctx);
	__u64 took_ns = handshake_ns(ctx);

	connection->state = CONNECTION_ACTIVE;
	count_established(connection, cgroup, took_ns);
	tell_established(ctx->sk, connection, cgroup, took_ns);
	await_answer(ctx, connection, took_ns);
}

/* How long a SYN has had no answer. */
static __always_inline __u64 unanswered_ns(const struct bpf_sock_ops *ctx,
					   const struct tcp_sock *tcp)
{
	__u64 before_ns = sent_again_for_ns(ctx->total_retrans);

	return knows_times() ? before_ns + since_us(tcp->tcp_mstamp) * 1000 : before_ns;
}

/* The kernel sets the error before the state: tcp_reset(), tcp_write_err(), tcp_v4_err(). */
static __always_inline enum outcome outcome_of(bool established, int error)
{
	if (established) {
		if (!error)
			return OUTCOME_CLOSED;
		return error == ECONNRESET || error == EPIPE ? OUTCOME_RESET : OUTCOME_BROKEN;
	}
	switch (error) {
	case 0:
		return OUTCOME_ABANDONED;
	case ECONNREFUSED:
		return OUTCOME_REFUSED;
	case ETIMEDOUT:
		return OUTCOME_TIMED_OUT;
	}
	return OUTCOME_UNREACHABLE;
}

/* tcp_info counts SYN and FIN as a byte each; users count payload. */
static __always_inline __u64 payload_sent(const struct bpf_sock_ops *ctx,
					  const struct tcp_sock *tcp, __u32 last_state)
{
	bool fin_sent = last_state == BPF_TCP_FIN_WAIT1 || last_state == BPF_TCP_FIN_WAIT2 ||
			last_state == BPF_TCP_CLOSING || last_state == BPF_TCP_LAST_ACK;
	bool fin_acked = fin_sent && tcp->snd_una == tcp->write_seq;
	__u64 acked = ctx->bytes_acked;
	__u64 signals = 1 + fin_acked;

	return acked > signals ? acked - signals : 0;
}

static __always_inline void on_state(struct bpf_sock_ops *ctx, const struct place *place,
				     __u64 cookie)
{
	struct connection *connection = place->connection;
	__u32 last_state = ctx->args[0], state = ctx->args[1];
	bool established = connection->state == CONNECTION_ACTIVE;
	enum outcome outcome;
	struct traffic traffic;
	struct tcp_sock *tcp;
	struct sock *sk;

	if (state == BPF_TCP_ESTABLISHED && !established) {
		on_established(ctx, connection);
		return;
	}
	if (state != BPF_TCP_CLOSE || !ctx->sk)
		return;
	tcp = bpf_skc_to_tcp_sock(ctx->sk);
	if (!tcp)
		return;
	sk = (struct sock *)tcp;
	outcome = outcome_of(established, sk->sk_err);
	if (established)
		judge_end(connection, tcp, last_state, ctx->bytes_received, sk->sk_err);
	else if (outcome == OUTCOME_ABANDONED)
		sample_answer(connection, unanswered_ns(ctx, tcp) / 1000, true);
	else
		sample_failure(connection, unanswered_ns(ctx, tcp));
	traffic = (struct traffic){
		.sent = established ? payload_sent(ctx, tcp, last_state) : 0,
		.received = established ? payload_received(ctx, sk) : 0,
		.retransmits = ctx->total_retrans,
		.rtt_us = ctx->srtt_us >> 3,
	};
	connection_end(place, cookie, ctx->sk, cgroup_of(sk), outcome, &traffic);
}

/* A connect() that failed before its SYN left a trace; this SYN may be for somebody else. */
static __always_inline bool goes_to_backend(struct bpf_sock_ops *ctx,
					    const struct connection *connection)
{
	__be32 ipv4 = READ_ONCE(ctx->remote_ip4);
	struct address remote = {
		.word = { READ_ONCE(ctx->remote_ip6[0]), READ_ONCE(ctx->remote_ip6[1]),
			  READ_ONCE(ctx->remote_ip6[2]), READ_ONCE(ctx->remote_ip6[3]) }
	};

	if (ctx->family == AF_INET)
		remote = address_from_ipv4(ipv4);
	return connection->backend_port == bpf_htons(bpf_ntohl(ctx->remote_port)) &&
	       address_equal(&connection->backend_address, &remote);
}

/* Most calls are about something else; they end before anything is looked up. */
static __always_inline bool concerns_us(const struct bpf_sock_ops *ctx)
{
	if (ctx->op == BPF_SOCK_OPS_TCP_CONNECT_CB || ctx->op == BPF_SOCK_OPS_HDR_OPT_LEN_CB)
		return true;
	return ctx->op == BPF_SOCK_OPS_STATE_CB &&
	       (ctx->args[1] == BPF_TCP_ESTABLISHED || ctx->args[1] == BPF_TCP_CLOSE);
}

SEC("sockops")
int shunt_sockops(struct bpf_sock_ops *ctx)
{
	struct place place;
	__u64 cookie;

	if (!concerns_us(ctx))
		return 1;
	cookie = bpf_get_socket_cookie(ctx);
	if (!connection_find(cookie, ctx->sk, &place))
		return 1;
	if (ctx->op == BPF_SOCK_OPS_STATE_CB) {
		on_state(ctx, &place, cookie);
		return 1;
	}
	if (ctx->op == BPF_SOCK_OPS_HDR_OPT_LEN_CB) {
		on_segment(ctx, place.connection);
		return 1;
	}
	if (!goes_to_backend(ctx, place.connection)) {
		connection_drop(&place, cookie, ctx->sk, socket_cgroup(ctx));
		return 1;
	}
	place.connection->flags |= CONNECTION_ARMED;
	bpf_sock_ops_cb_flags_set(ctx, ctx->bpf_sock_ops_cb_flags | BPF_SOCK_OPS_STATE_CB_FLAG);
	return 1;
}

/*
 * Another program at this hook may have taken our flag away. Then a socket is seen here in a state
 * that its connection was never told of.
 */
static __always_inline bool will_be_told(struct bpf_sock *sk, const struct connection *connection)
{
	if (!(connection->flags & CONNECTION_ARMED) || sk->state == BPF_TCP_CLOSE)
		return false;
	return connection->state != CONNECTION_PENDING || sk->state == BPF_TCP_SYN_SENT;
}

SEC("cgroup/sock_release")
int shunt_sock_release(struct bpf_sock *ctx)
{
	__u64 cookie = bpf_get_socket_cookie(ctx);
	struct place place;

	if (!connection_find(cookie, ctx, &place))
		return 1;
	if (will_be_told(ctx, place.connection))
		place.connection->released = 1;
	else
		connection_drop(&place, cookie, ctx, bpf_get_current_cgroup_id());
	return 1;
}

#endif
