/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The way of a connection or datagram: look up, choose, or refuse. */
#ifndef SHUNT_ROUTE_H
#define SHUNT_ROUTE_H

#include "address.h"
#include "choose.h"
#include "frontend.h"

/* False on kernels before 5.18: what should be refused is then left to kube-proxy. */
const volatile bool can_set_retval = false;

#define ALLOW 1
#define DENY 0

enum route {
	ROUTE_PASS,   /* not ours */
	ROUTE_SEND,   /* `choice` says where */
	ROUTE_REFUSE, /* nobody answers */
	ROUTE_CLOSED, /* the Service has no such port: refuse */
	ROUTE_BROKEN, /* refuse, and it is our fault */
};

static __always_inline struct frontend_key asked(struct bpf_sock_addr *ctx, int hook)
{
	return (struct frontend_key){
		.address = context_address(ctx, hook),
		.port = ctx->user_port,
		.protocol = ctx->protocol,
	};
}

/* A socket's own datagrams keep together first; a pod's connections do if its Service says so. */
static __always_inline enum route choose(struct bpf_sock_addr *ctx, const struct frontend_key *key,
					 const struct frontend *frontend, bool datagram,
					 struct choice *choice)
{
	struct affinity_key client = { .service = frontend->service, .scope = frontend->scope };
	const struct service *service;
	__u64 timeout_ns = 0, now_ns;

	service = bpf_map_lookup_elem(&services, &frontend->service);
	if (!service)
		return ROUTE_BROKEN;
	choice->service = frontend->service;
	choice->service_generation = generation_in_use(service->generation);
	if (!frontend->slot_count)
		return ROUTE_REFUSE;

	if (datagram) {
		client.kind = AFFINITY_SOCKET;
		client.client = bpf_get_socket_cookie(ctx);
	} else if (service->affinity_timeout_s) {
		client.kind = AFFINITY_POD;
		client.client = bpf_get_netns_cookie(ctx);
		timeout_ns = service->affinity_timeout_s * NS_PER_S;
	} else {
		return choose_by_weight(frontend, bpf_get_prandom_u32(), choice) ? ROUTE_SEND
										 : ROUTE_BROKEN;
	}
	client.family = address_family(&key->address);
	now_ns = bpf_ktime_get_ns();
	if (choose_remembered(&client, now_ns, timeout_ns, choice))
		return ROUTE_SEND;
	if (!choose_by_weight(frontend, bpf_get_prandom_u32(), choice))
		return ROUTE_BROKEN;
	remember_choice(&client, now_ns, choice);
	return ROUTE_SEND;
}

static __always_inline enum route closed(const struct frontend *closing, struct choice *choice)
{
	const struct service *service = bpf_map_lookup_elem(&services, &closing->service);

	if (!service)
		return ROUTE_BROKEN;
	choice->service = closing->service;
	choice->service_generation = generation_in_use(service->generation);
	return ROUTE_CLOSED;
}

static __always_inline enum route route(struct bpf_sock_addr *ctx, const struct frontend_key *key,
					bool datagram, struct choice *choice)
{
	struct frontend frontend;

	switch (find_frontend(key, &frontend)) {
	case FRONTEND_NONE:
		return is_closed(key, &frontend) ? closed(&frontend, choice) : ROUTE_PASS;
	case FRONTEND_TORN:
		return ROUTE_BROKEN;
	case FRONTEND_FOUND:
		break;
	}
	return choose(ctx, key, &frontend, datagram, choice);
}

/*
 * ECONNREFUSED, never the EPERM that a bare 0 means: kernel sockets (NFS) take that for final.
 * `why` is the verdict; `passed` the one of a kernel that cannot.
 */
static __always_inline int refuse(enum verdict why, enum verdict passed)
{
	if (!can_set_retval) {
		count_verdict(passed);
		return ALLOW;
	}
	count_verdict(why);
	bpf_set_retval(-ECONNREFUSED);
	return DENY;
}

static __always_inline void count_rejected(const struct choice *choice)
{
	struct service_stats *stats = service_counters(choice->service, choice->service_generation);

	if (stats)
		ADD(stats->total.rejected, 1);
}

#endif
