/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Connections and refusals one by one, for whoever watches. While nobody does, each costs a load and
 * a branch. Each is counted as offered, and then is left out by chance, lost for want of room, or
 * handed over: nothing is lost in silence.
 */
#ifndef SHUNT_EVENT_H
#define SHUNT_EVENT_H

#include "count.h"

/* Nothing of it is set while nobody watches. */
static __always_inline struct event_control event_wish(void)
{
	__u32 index = 0;
	const struct event_control *control = bpf_map_lookup_elem(&event_control, &index);

	if (!control)
		return (struct event_control){};
	return (struct event_control){ .every = READ_ONCE(control->every),
				       .established = control->established };
}

/* One in so many is wanted; 0: nobody watches. */
static __always_inline __u32 event_every(void)
{
	return event_wish().every;
}

/* What a connection does not remember. What is not known is 0. */
struct event_facts {
	__u64 at_ns;
	__u64 cgroup;
	__u64 connect_ns;
	__u64 lasted_ns;
	__u64 bytes_sent;
	__u64 bytes_received;
	__u32 every;
	__u32 outcome; /* enum event_outcome */
};

/*
 * Handed over by copy: older verifiers lose track of room that was reserved. Nobody is woken: the agent
 * looks by itself.
 */
static __always_inline void event_put(const struct event *event, __u32 every)
{
	__u32 index = 0;
	struct event_stats *stats = bpf_map_lookup_elem(&event_stats, &index);

	if (!stats)
		return;
	ADD(stats->offered, 1);
	if (every > 1 && bpf_get_prandom_u32() % every)
		ADD(stats->sampled_out, 1);
	else if (bpf_ringbuf_output(&events, (void *)event, sizeof(*event), BPF_RB_NO_WAKEUP))
		ADD(stats->dropped, 1);
}

APART int emit(const struct connection *connection, const struct event_facts *facts)
{
	struct event event;

	if (!connection || !facts)
		return 0;
	event = (struct event){
		.at_ns = facts->at_ns,
		.cgroup = facts->cgroup,
		.connect_ns = facts->connect_ns,
		.lasted_ns = facts->lasted_ns,
		.bytes_sent = facts->bytes_sent,
		.bytes_received = facts->bytes_received,
		.service_address = connection->service_address,
		.backend_address = connection->backend_address,
		.service = connection->service,
		.service_generation = connection->service_generation,
		.service_port = connection->service_port,
		.backend_port = connection->backend_port,
		.protocol = connection->protocol,
		.outcome = facts->outcome,
	};
	event_put(&event, facts->every);
	return 0;
}

/* Notes when it was begun; again, when it is known since when it is established. `sk` may be NULL. */
static __always_inline void event_begin(struct bpf_sock *sk, struct connection *connection,
					__u64 at_ns, __u64 connect_ns)
{
	struct event_begin *begin =
		sk ? bpf_sk_storage_get(&event_begins, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE)
		   : NULL;

	if (!begin)
		return;
	if (!(connection->flags & CONNECTION_BEGUN))
		begin->at_ns = at_ns - connect_ns;
	begin->connect_ns = connect_ns;
	connection->flags |= CONNECTION_BEGUN;
}

/* How long it lasted, or how long its SYN had no answer. The socket's entry may be of an earlier connection. */
static __always_inline void event_times(struct bpf_sock *sk, const struct connection *connection,
					struct event_facts *facts)
{
	bool known = sk && connection->flags & CONNECTION_BEGUN;
	const struct event_begin *begin =
		known ? bpf_sk_storage_get(&event_begins, sk, NULL, 0) : NULL;
	__u64 since_ns;

	facts->at_ns = bpf_ktime_get_ns();
	if (!begin)
		return;
	since_ns = facts->at_ns - begin->at_ns;
	if (connection->state != CONNECTION_ACTIVE) {
		facts->connect_ns = since_ns;
		return;
	}
	facts->connect_ns = begin->connect_ns;
	facts->lasted_ns = since_ns > begin->connect_ns ? since_ns - begin->connect_ns : 0;
}

static __always_inline void tell_established(struct bpf_sock *sk, struct connection *connection,
					     __u64 cgroup, __u64 connect_ns)
{
	struct event_control wish = event_wish();
	struct event_facts facts = { .every = wish.every };

	if (!wish.every)
		return;
	facts.at_ns = bpf_ktime_get_ns();
	facts.cgroup = cgroup;
	facts.connect_ns = connect_ns;
	facts.outcome = EVENT_ESTABLISHED;
	event_begin(sk, connection, facts.at_ns, connect_ns);
	if (wish.established)
		emit(connection, &facts);
}

#endif
