/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * sendmsg() with an address and recvmsg(): unconnected UDP. One socket may talk to many Services,
 * and expects each answer from the address that it asked.
 */
#ifndef SHUNT_HOOKS_DATAGRAM_H
#define SHUNT_HOOKS_DATAGRAM_H

#include "../peer.h"
#include "../route.h"

static __always_inline struct udp_peer_key peer_key(struct bpf_sock_addr *ctx,
						    const struct address *address, __be16 port)
{
	return (struct udp_peer_key){
		.cookie = bpf_get_socket_cookie(ctx),
		.address = *address,
		.port = port,
	};
}

/* Looked up for every datagram: the look-up keeps the entry young in the LRU. */
static __always_inline bool remember_peer(struct bpf_sock_addr *ctx, const struct frontend_key *key,
					  const struct choice *choice)
{
	struct udp_peer_key from = peer_key(ctx, &choice->to->address, choice->to->port);
	struct udp_peer asked_for = {
		.cookie = from.cookie,
		.address = key->address,
		.port = key->port,
		.service = choice->service,
		.service_generation = choice->service_generation,
		.backend = choice->backend,
		.backend_generation = choice->backend_generation,
	};
	struct udp_peer *known = bpf_map_lookup_elem(&udp_peers, &from);

	if (known && known->port == key->port && known->backend == choice->backend &&
	    known->backend_generation == choice->backend_generation &&
	    address_equal(&known->address, &key->address))
		return true;
	return !bpf_map_update_elem(&udp_peers, &from, &asked_for, BPF_ANY);
}

/* What is sent to a backend directly is answered by the backend, not by a Service. */
static __always_inline void forget_peer(struct bpf_sock_addr *ctx, const struct frontend_key *key)
{
	struct udp_peer_key from = peer_key(ctx, &key->address, key->port);

	if (bpf_map_lookup_elem(&udp_peers, &from))
		bpf_map_delete_elem(&udp_peers, &from);
}

static __always_inline void count_datagram(const struct choice *choice)
{
	struct service_stats *service =
		service_counters(choice->service, choice->service_generation);
	struct backend_stats *backend =
		backend_counters(choice->backend, choice->backend_generation);

	if (service)
		ADD(service->total.datagrams, 1);
	if (backend)
		ADD(backend->total.datagrams, 1);
}

static __always_inline void count_answer(const struct udp_peer *peer)
{
	struct service_stats *service = service_counters(peer->service, peer->service_generation);
	struct backend_stats *backend = backend_counters(peer->backend, peer->backend_generation);

	if (service)
		ADD(service->total.datagrams_received, 1);
	if (backend)
		ADD(backend->total.datagrams_received, 1);
}

static __always_inline int on_sendmsg(struct bpf_sock_addr *ctx, int hook)
{
	struct frontend_key key = asked(ctx, hook);
	struct choice choice = {};

	if (!is_connected(ctx))
		forget_last(ctx, bpf_get_socket_cookie(ctx));
	else if (keep_connection(ctx, hook, &key, bpf_get_socket_cookie(ctx)))
		return ALLOW;
	switch (route(ctx, &key, true, &choice)) {
	case ROUTE_PASS:
		forget_peer(ctx, &key);
		return ALLOW;
	case ROUTE_REFUSE:
		count_rejected(&key, choice.service, choice.service_generation,
			       EVENT_REJECTED_NO_ENDPOINT);
		return refuse(VERDICT_DROPPED_NO_ENDPOINT, VERDICT_PASSED_NO_ENDPOINT);
	case ROUTE_ARM:
		count_rejected(&key, choice.service, choice.service_generation,
			       EVENT_REJECTED_SHARE);
		return refuse(VERDICT_DROPPED_ARM, VERDICT_PASSED_ARM);
	case ROUTE_CLOSED:
		count_rejected(&key, choice.service, choice.service_generation,
			       EVENT_REJECTED_NO_PORT);
		return refuse(VERDICT_DROPPED_NO_PORT, VERDICT_PASSED_NO_PORT);
	case ROUTE_BROKEN:
		return refuse(VERDICT_REFUSED_BAD_TABLE, VERDICT_PASSED_NO_ENDPOINT);
	case ROUTE_SEND:
		if (!remember_peer(ctx, &key, &choice))
			return refuse(VERDICT_DROPPED_NO_PEER, VERDICT_PASSED_NO_ENDPOINT);
		count_datagram(&choice);
		set_context_address(ctx, hook, &choice.to->address, choice.to->port);
		return ALLOW;
	}
	return ALLOW;
}

static __always_inline int on_recvmsg(struct bpf_sock_addr *ctx, int hook)
{
	struct address source = context_address(ctx, hook);
	struct udp_peer_key from = peer_key(ctx, &source, ctx->user_port);
	const struct udp_peer *peer;

	if (is_connected(ctx)) {
		show_service(ctx, hook, from.cookie);
		return ALLOW;
	}
	peer = bpf_map_lookup_elem(&udp_peers, &from);
	if (!peer || peer->cookie != from.cookie)
		return ALLOW;
	count_answer(peer);
	set_context_address(ctx, hook, &peer->address, peer->port);
	return ALLOW;
}

SEC("cgroup/sendmsg4")
int shunt_sendmsg4(struct bpf_sock_addr *ctx)
{
	return on_sendmsg(ctx, AF_INET);
}

SEC("cgroup/sendmsg6")
int shunt_sendmsg6(struct bpf_sock_addr *ctx)
{
	return on_sendmsg(ctx, AF_INET6);
}

SEC("cgroup/recvmsg4")
int shunt_recvmsg4(struct bpf_sock_addr *ctx)
{
	return on_recvmsg(ctx, AF_INET);
}

SEC("cgroup/recvmsg6")
int shunt_recvmsg6(struct bpf_sock_addr *ctx)
{
	return on_recvmsg(ctx, AF_INET6);
}

#endif
