/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * At establishment: which connections may be joined. Nothing is joined yet. Being in a sockmap
 * alone changes what reading does, and bytes that are under way by TCP would be overtaken.
 */
#ifndef SHUNT_SAME_NODE_CANDIDATE_H
#define SHUNT_SAME_NODE_CANDIDATE_H

#include "../connection.h"
#include "ends.h"

static __always_inline struct flow peer_flow(struct bpf_sock_ops *ctx)
{
	__be32 local4 = READ_ONCE(ctx->local_ip4);
	__be32 remote4 = READ_ONCE(ctx->remote_ip4);
	struct flow peer = {
		.local_port = bpf_htons(bpf_ntohl(READ_ONCE(ctx->remote_port))),
		.remote_port = bpf_htons(READ_ONCE(ctx->local_port)),
		.local.word = { READ_ONCE(ctx->remote_ip6[0]), READ_ONCE(ctx->remote_ip6[1]),
				READ_ONCE(ctx->remote_ip6[2]), READ_ONCE(ctx->remote_ip6[3]) },
		.remote.word = { READ_ONCE(ctx->local_ip6[0]), READ_ONCE(ctx->local_ip6[1]),
				 READ_ONCE(ctx->local_ip6[2]), READ_ONCE(ctx->local_ip6[3]) },
	};

	if (ctx->family == AF_INET) {
		peer.local = address_from_ipv4(remote4);
		peer.remote = address_from_ipv4(local4);
	}
	return peer;
}

/* The Service that was asked, if one was, and who asks: redirected bytes count for both as any others. */
static __always_inline void note_account(struct candidate *candidate, struct bpf_sock *sk,
					 const struct tcp_sock *tcp)
{
	const struct connection *connection;
	struct place place;

	if (!connection_find(candidate->cookie, sk, &place))
		return;
	connection = place.connection;
	candidate->account =
		(struct redirected_key){ .cgroup = cgroup_of((const struct sock *)tcp),
					 .service = connection->service,
					 .service_generation = connection->service_generation,
					 .backend = connection->backend,
					 .backend_generation = connection->backend_generation };
}

/*
 * connect(2) to AF_UNSPEC leaves a joined socket in the table, and what was redirected to it unread in
 * its queue: it would be read in the connection that is made now, whomever that is with.
 */
static __always_inline void begin_anew(struct bpf_sock *sk)
{
	struct candidate *before = sk ? bpf_sk_storage_get(&candidates, sk, NULL, 0) : NULL;
	__u64 cookie;

	if (!before)
		return;
	cookie = before->cookie;
	bpf_map_delete_elem(&joined, &cookie);
	bpf_sk_storage_delete(&candidates, sk);
}

SEC("sockops")
int shunt_same_node_establish(struct bpf_sock_ops *ctx)
{
	bool client = ctx->op == BPF_SOCK_OPS_ACTIVE_ESTABLISHED_CB;
	const struct same_node_control *control;
	struct candidate *candidate;
	struct bpf_sock *sk;
	struct tcp_sock *tcp;
	struct flow peer, own;
	__u32 generation;

	if (ctx->op == BPF_SOCK_OPS_TCP_CONNECT_CB)
		begin_anew(ctx->sk);
	if (!client && ctx->op != BPF_SOCK_OPS_PASSIVE_ESTABLISHED_CB)
		return 1;
	sk = ctx->sk;
	control = read_control();
	if (!sk || !control || control->off)
		return 1;
	/* Before the table is looked at: if that changes meanwhile, the pair is judged anew. */
	generation = READ_ONCE(control->generation);
	peer = peer_flow(ctx);
	if (!is_pair_wanted(&peer, client))
		return 1;
	tcp = bpf_skc_to_tcp_sock(sk);
	if (!tcp)
		return 1;
	candidate = bpf_sk_storage_get(&candidates, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (!candidate)
		return 1;
	own = reversed(&peer);
	bpf_map_delete_elem(&unjoinable, &own);
	candidate->peer = peer;
	candidate->cookie = bpf_get_socket_cookie(ctx);
	candidate->client = client;
	candidate->wanted = true;
	candidate->generation = generation;
	candidate->first_seq = tcp->copied_seq;
	candidate->unseen = !control->watched;
	if (client)
		note_account(candidate, sk, tcp);
	candidate->measured = is_measured(&candidate->account);
	if (!control->watched)
		ask_for_walk();
	return 1;
}

#endif
