/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The peer of a socket as its application knows it. */
#ifndef SHUNT_PEER_H
#define SHUNT_PEER_H

#include "connection.h"

/* For UDP: connect(AF_UNSPEC) dissolves without telling any hook, but the state shows it. */
static __always_inline bool is_connected(struct bpf_sock_addr *ctx)
{
	return ctx->sk && ctx->sk->state == BPF_TCP_ESTABLISHED;
}

/* A socket may connect again: after a failure, or at any time if it is UDP. */
static __always_inline void forget_last(struct bpf_sock_addr *ctx, __u64 cookie)
{
	struct place last;

	if (connection_find(cookie, ctx->sk, &last))
		connection_drop(&last, cookie, ctx->sk, bpf_get_current_cgroup_id());
}

/* A connected UDP socket hears one backend alone: what it sends to its Service goes there too. */
static __always_inline bool keep_connection(struct bpf_sock_addr *ctx, int hook,
					    const struct frontend_key *key, __u64 cookie)
{
	const struct connection *connection;
	struct place place;

	if (!connection_find(cookie, ctx->sk, &place))
		return false;
	connection = place.connection;
	if (connection->service_port != key->port ||
	    !address_equal(&connection->service_address, &key->address))
		return false;
	set_context_address(ctx, hook, &connection->backend_address, connection->backend_port);
	return true;
}

/* Puts the Service address for the backend's, where this socket is connected to that backend. */
static __always_inline void show_service(struct bpf_sock_addr *ctx, int hook, __u64 cookie)
{
	struct address peer = context_address(ctx, hook);
	const struct connection *connection;
	struct place place;

	if (!connection_find(cookie, ctx->sk, &place))
		return;
	connection = place.connection;
	if (connection->backend_port != (__be16)ctx->user_port ||
	    !address_equal(&connection->backend_address, &peer))
		return;
	set_context_address(ctx, hook, &connection->service_address, connection->service_port);
}

#endif
