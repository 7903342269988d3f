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

static __always_inline struct affinity_key
client_of(const struct frontend *frontend, const struct address *asked, __u8 kind, __u64 client)
{
	return (struct affinity_key){
		.client = client,
		.service = frontend->service,
		.kind = kind,
		.family = address_family(asked),
		.scope = frontend->scope,
	};
}

/* A pod keeps to the backend that it was given last, if its Service says so. */
static __always_inline bool choose_for_pod(struct bpf_sock_addr *ctx, const struct address *asked,
					   const struct frontend *frontend, __u32 timeout_s,
					   struct choice *choice)
{
	struct affinity_key pod;
	__u64 now_ns;

	if (!timeout_s)
		return choose_by_weight(frontend, bpf_get_prandom_u32(), choice);
	pod = client_of(frontend, asked, AFFINITY_POD, bpf_get_netns_cookie(ctx));
	now_ns = bpf_ktime_get_ns();
	if (choose_remembered(&pod, now_ns, timeout_s * NS_PER_S, choice))
		return true;
	if (!choose_by_weight(frontend, bpf_get_prandom_u32(), choice))
		return false;
	remember_choice(&pod, now_ns, choice);
	return true;
}

/* A socket's datagrams keep together, whoever its pod keeps to by now: they may be one exchange. */
static __always_inline bool choose_for_socket(struct bpf_sock_addr *ctx,
					      const struct address *asked,
					      const struct frontend *frontend, __u32 timeout_s,
					      struct choice *choice)
{
	struct affinity_key socket =
		client_of(frontend, asked, AFFINITY_SOCKET, bpf_get_socket_cookie(ctx));
	__u64 now_ns = bpf_ktime_get_ns();

	if (choose_remembered(&socket, now_ns, 0, choice))
		return true;
	if (!choose_for_pod(ctx, asked, frontend, timeout_s, choice))
		return false;
	remember_choice(&socket, now_ns, choice);
	return true;
}

static __always_inline enum route choose(struct bpf_sock_addr *ctx, const struct frontend_key *key,
					 const struct frontend *frontend, bool datagram,
					 struct choice *choice)
{
	const struct service *service = bpf_map_lookup_elem(&services, &frontend->service);
	__u32 timeout_s;
	bool chosen;

	if (!service)
		return ROUTE_BROKEN;
	choice->service = frontend->service;
	choice->service_generation = generation_in_use(service->generation);
	if (!frontend->slot_count)
		return ROUTE_REFUSE;
	timeout_s = service->affinity_timeout_s;
	chosen = datagram ? choose_for_socket(ctx, &key->address, frontend, timeout_s, choice)
			  : choose_for_pod(ctx, &key->address, frontend, timeout_s, choice);
	return chosen ? ROUTE_SEND : ROUTE_BROKEN;
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
