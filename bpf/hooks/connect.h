/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* connect(): TCP and connected UDP. Runs once a connection; nothing runs per packet. */
#ifndef SHUNT_HOOKS_CONNECT_H
#define SHUNT_HOOKS_CONNECT_H

#include "../peer.h"
#include "../route.h"

/*
 * The choice was made a moment ago: no need to look whether its records are still its own. A call as
 * sample_backend() is.
 */
__noinline int count_attempt(__u32 service_index, __u32 service_generation, __u32 backend_index,
			     __u32 established)
{
	struct caller_stats *caller =
		caller_counters(bpf_get_current_cgroup_id(), service_index, service_generation);
	struct service_stats *service = bpf_map_lookup_elem(&service_stats, &service_index);
	struct backend_stats *backend = bpf_map_lookup_elem(&backend_stats, &backend_index);

	if (caller)
		ADD(caller->attempts, 1);
	if (caller && established)
		ADD(caller->established, 1);
	if (!service || !backend)
		return 0;
	ADD(service->total.attempts, 1);
	ADD(backend->total.attempts, 1);
	if (!established)
		return 0;
	ADD(service->total.established, 1);
	ADD(backend->total.established, 1);
	return 0;
}

/* Connected UDP is there at once. */
static __always_inline void tell_begin(struct bpf_sock *sk, struct connection *connection)
{
	if (!event_every())
		return;
	if (connection->state == CONNECTION_ACTIVE)
		tell_established(sk, connection, bpf_get_current_cgroup_id(), 0);
	else
		event_begin(sk, connection, bpf_ktime_get_ns(), 0);
}

static __always_inline void remember(struct bpf_sock_addr *ctx, const struct frontend_key *key,
				     const struct choice *choice)
{
	bool udp = key->protocol == IPPROTO_UDP;
	__u64 cookie = bpf_get_socket_cookie(ctx);
	struct place place;

	forget_last(ctx, cookie);
	if (!connection_claim(cookie, ctx->sk, &place)) {
		count_verdict(VERDICT_UNREMEMBERED);
		return;
	}
	*place.connection = (struct connection){
		.service_address = key->address,
		.backend_address = choice->to->address,
		.service_port = key->port,
		.backend_port = choice->to->port,
		.protocol = key->protocol,
		.state = udp ? CONNECTION_ACTIVE : CONNECTION_PENDING,
		.flags = choice->timed ? CONNECTION_TIMED : 0,
		.service = choice->service,
		.service_generation = choice->service_generation,
		.backend = choice->backend,
		.backend_generation = choice->backend_generation,
	};
	count_attempt(choice->service, choice->service_generation, choice->backend, udp);
	tell_begin(ctx->sk, place.connection);
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
		count_rejected(&key, choice.service, choice.service_generation,
			       EVENT_REJECTED_NO_ENDPOINT);
		return refuse(VERDICT_REFUSED_NO_ENDPOINT, VERDICT_PASSED_NO_ENDPOINT);
	case ROUTE_ARM:
		count_rejected(&key, choice.service, choice.service_generation,
			       EVENT_REJECTED_SHARE);
		return refuse(VERDICT_REFUSED_ARM, VERDICT_PASSED_ARM);
	case ROUTE_CLOSED:
		count_rejected(&key, choice.service, choice.service_generation,
			       EVENT_REJECTED_NO_PORT);
		return refuse(VERDICT_REFUSED_NO_PORT, VERDICT_PASSED_NO_PORT);
	case ROUTE_BROKEN:
		return refuse(VERDICT_REFUSED_BAD_TABLE, VERDICT_PASSED_NO_ENDPOINT);
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
