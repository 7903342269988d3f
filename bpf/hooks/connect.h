/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* connect(): TCP and connected UDP. Runs once a connection; nothing runs per packet. */
#ifndef SHUNT_HOOKS_CONNECT_H
#define SHUNT_HOOKS_CONNECT_H

#include "../peer.h"
#include "../route.h"

static __always_inline void count_attempt(const struct choice *choice, bool established)
{
	struct service_stats *service =
		service_counters(choice->service, choice->service_generation);
	struct backend_stats *backend =
		backend_counters(choice->backend, choice->backend_generation);

	if (service)
		ADD(service->total.attempts, 1);
	if (backend)
		ADD(backend->total.attempts, 1);
	if (!established)
		return;
	if (service)
		ADD(service->total.established, 1);
	if (backend)
		ADD(backend->total.established, 1);
}

static __always_inline void remember(struct bpf_sock_addr *ctx, const struct frontend_key *key,
				     const struct choice *choice)
{
	bool udp = key->protocol == IPPROTO_UDP;
	__u64 cookie = bpf_get_socket_cookie(ctx);
	struct connection *connection;

	forget_last(ctx, cookie);
	connection = connection_claim(cookie, ctx->sk);
	if (!connection) {
		count_verdict(VERDICT_UNREMEMBERED);
		return;
	}
	connection->started_ns = bpf_ktime_get_ns();
	connection->service_address = key->address;
	connection->backend_address = choice->to->address;
	connection->service_port = key->port;
	connection->backend_port = choice->to->port;
	connection->protocol = key->protocol;
	connection->state = udp ? CONNECTION_ACTIVE : CONNECTION_PENDING;
	connection->flags = 0;
	connection->service = choice->service;
	connection->service_generation = choice->service_generation;
	connection->backend = choice->backend;
	connection->backend_generation = choice->backend_generation;
	count_attempt(choice, udp);
}

static __always_inline int on_connect(struct bpf_sock_addr *ctx, int hook)
{
	struct frontend_key key = asked(ctx, hook);
	struct choice choice = {};

	switch (route(ctx, &key, false, &choice)) {
	case ROUTE_PASS:
		/* TCP tells when it ends; a UDP socket just turns elsewhere. */
		if (key.protocol == IPPROTO_UDP)
			forget_last(ctx, bpf_get_socket_cookie(ctx));
		return ALLOW;
	case ROUTE_REFUSE:
		count_rejected(&choice);
		return refuse(VERDICT_REFUSED_NO_ENDPOINT);
	case ROUTE_BROKEN:
		return refuse(VERDICT_REFUSED_BAD_TABLE);
	case ROUTE_SEND:
		remember(ctx, &key, &choice);
		set_context_address(ctx, hook, &choice.to->address, choice.to->port);
		return ALLOW;
	}
	return ALLOW;
}

SEC("cgroup/connect4")
int shunt_connect4(struct bpf_sock_addr *ctx)
{
	return on_connect(ctx, AF_INET);
}

SEC("cgroup/connect6")
int shunt_connect6(struct bpf_sock_addr *ctx)
{
	return on_connect(ctx, AF_INET6);
}

#endif
