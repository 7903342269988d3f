/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* The way of a connection or datagram: look up, choose, or refuse. */
#ifndef SHUNT_ROUTE_H
#define SHUNT_ROUTE_H

#include "address.h"
#include "choose.h"
#include "client.h"
#include "endpoint.h"
#include "event.h"
#include "frontend.h"

/* False on kernels before 5.18: what should be refused is then left to kube-proxy. */
const volatile bool can_set_retval = false;

#define ALLOW 1
#define DENY 0

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

/* Of one that is kept to. Through which arm it was chosen is forgotten. */
static __always_inline bool is_timed(const struct frontend *frontend, const struct service *service)
{
	return !(frontend->flags & FRONTEND_ARMS) && service->algorithm == ALGORITHM_PEAK_EWMA;
}

/* A pod keeps to the backend that it was given last, if its Service says so. */
static __always_inline enum route choose_for_pod(struct bpf_sock_addr *ctx,
						 const struct address *asked,
						 const struct frontend *frontend,
						 const struct service *service, bool datagram,
						 struct choice *choice)
{
	__u32 timeout_s = service->affinity_timeout_s;
	struct affinity_key pod;
	enum route route;
	__u64 now_ns;

	if (timeout_s) {
		pod = client_of(frontend, asked, AFFINITY_POD, bpf_get_netns_cookie(ctx));
		now_ns = bpf_ktime_get_ns();
		if (choose_remembered(&pod, now_ns, timeout_s * NS_PER_S, choice)) {
			choice->timed = is_timed(frontend, service);
			return ROUTE_SEND;
		}
	}
	route = choose_endpoint(ctx, asked, frontend, service, datagram, choice);
	if (timeout_s && route == ROUTE_SEND)
		remember_choice(&pod, now_ns, timeout_s * NS_PER_S, choice);
	return route;
}

/* A socket's datagrams keep together, whoever its pod keeps to by now: they may be one exchange. */
static __always_inline enum route choose_for_socket(struct bpf_sock_addr *ctx,
						    const struct address *asked,
						    const struct frontend *frontend,
						    const struct service *service,
						    struct choice *choice)
{
	struct affinity_key socket =
		client_of(frontend, asked, AFFINITY_SOCKET, bpf_get_socket_cookie(ctx));
	__u64 now_ns = bpf_ktime_get_ns();
	enum route route;

	if (choose_remembered(&socket, now_ns, 0, choice))
		return ROUTE_SEND;
	route = choose_for_pod(ctx, asked, frontend, service, true, choice);
	if (route == ROUTE_SEND)
		remember_choice(&socket, now_ns, 0, choice);
	return route;
}

static __always_inline enum route choose(struct bpf_sock_addr *ctx, const struct frontend_key *key,
					 const struct frontend *frontend, bool datagram,
					 struct choice *choice)
{
	const struct service *service = bpf_map_lookup_elem(&services, &frontend->service);

	if (!service)
		return ROUTE_BROKEN;
	choice->service = frontend->service;
	choice->service_generation = generation_in_use(service->generation);
	if (!frontend->slot_count)
		return ROUTE_REFUSE;
	return datagram ? choose_for_socket(ctx, &key->address, frontend, service, choice)
			: choose_for_pod(ctx, &key->address, frontend, service, false, choice);
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

/* What a Pod has of its own goes before what everybody has. */
static __always_inline bool put_client_first(const struct frontend_key *key,
					     struct frontend *frontend)
{
	__u32 levels = frontend->flags >> FRONTEND_LEVELS_SHIFT;
	struct frontend own;

	if (!levels)
		return true;
	switch (find_for_client(key, levels, &own)) {
	case FRONTEND_NONE:
		return true;
	case FRONTEND_TORN:
		return false;
	case FRONTEND_FOUND:
		*frontend = own;
	}
	return true;
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
	if (!put_client_first(key, &frontend))
		return ROUTE_BROKEN;
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

static __always_inline void emit_rejected(const struct frontend_key *key, __u32 service,
					  __u32 service_generation, enum event_outcome why)
{
	__u32 every = event_every();
	struct event event;

	if (!every)
		return;
	event = (struct event){
		.at_ns = bpf_ktime_get_ns(),
		.cgroup = bpf_get_current_cgroup_id(),
		.service_address = key->address,
		.service = service,
		.service_generation = service_generation,
		.service_port = key->port,
		.protocol = key->protocol,
		.outcome = why,
	};
	event_put(&event, every);
}

APART int count_rejected(const struct frontend_key *key, __u32 service, __u32 service_generation,
			 __u32 why)
{
	struct service_stats *stats = service_counters(service, service_generation);
	struct caller_stats *caller =
		caller_counters(bpf_get_current_cgroup_id(), service, service_generation);

	if (!key)
		return 0;
	emit_rejected(key, service, service_generation, why);
	if (stats) {
		ADD(stats->total.rejected, 1);
		if (why == EVENT_REJECTED_NO_PORT)
			ADD(stats->rejected_no_port, 1);
		if (why == EVENT_REJECTED_SHARE)
			ADD(stats->rejected_share, 1);
	}
	if (caller)
		ADD(caller->rejected, 1);
	return 0;
}

#endif
