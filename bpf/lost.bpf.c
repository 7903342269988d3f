// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Connections whose end nobody told: another sockops program had taken the callbacks away. The agent
 * asks which sockets are still there, and has the others ended here, where all others are ended. An
 * object of its own: nothing is attached to anything, and a kernel that takes none of it routes all
 * the same.
 */
#include "connection.h"
#include "layout.gen.h"

/*
 * Sockets that are looked for, by cookie. What is found is taken out. The value is that of the other
 * table that sockets are looked for by, and means nothing.
 */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64);
	__type(value, struct ending);
} suspects SEC(".maps");

/* The TCP sockets of the network namespace in which the walk was begun. */
SEC("iter/tcp")
int shunt_find_sockets(struct bpf_iter__tcp *ctx)
{
	struct sock_common *sk = ctx->sk_common;
	__u64 cookie;

	if (!sk)
		return 0;
	cookie = sk->skc_cookie.counter;
	if (cookie)
		bpf_map_delete_elem(&suspects, &cookie);
	return 0;
}

struct lost {
	__u64 cookie;
};

/*
 * Returns whether it ended one. Only what its application has closed: a socket that nobody has
 * closed may be in a namespace that the walk does not reach.
 */
SEC("syscall")
int shunt_end_lost(struct lost *ctx)
{
	const struct connection *connection;
	struct traffic none = {};
	struct place place;
	bool active;

	if (!connection_find(ctx->cookie, NULL, &place))
		return 0;
	connection = place.connection;
	if (connection->protocol != IPPROTO_TCP || !connection->released)
		return 0;
	active = connection->state == CONNECTION_ACTIVE;
	connection_end(&place, ctx->cookie, NULL, 0, active ? OUTCOME_CLOSED : OUTCOME_ABANDONED,
		       &none);
	return 1;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
