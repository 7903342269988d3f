/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Whether a pair wants to be joined. Loopback addresses are those of no Pod: a pair of them says
 * nothing of the network namespaces in which it is.
 */
#ifndef SHUNT_SAME_NODE_ENDS_H
#define SHUNT_SAME_NODE_ENDS_H

#include "tables.h"

static __always_inline __u32 end_mode(const struct address *address, __be16 port)
{
	struct end_key key = { .address = *address, .port = port };
	const __u32 *mode = bpf_map_lookup_elem(&ends, &key);

	return mode ? *mode : 0;
}

/*
 * Both ends must want it: by themselves, or because the server's endpoint does, for all its clients.
 * What most connections lack is looked for first.
 */
static __always_inline bool is_wanted(const struct address *client, const struct address *server,
				      __be16 server_port)
{
	__u32 client_mode = end_mode(client, 0), server_mode;
	bool served;

	if (!client_mode || client_mode == END_PLAIN)
		return false;
	served = end_mode(server, server_port) == END_SERVED;
	if (!served && client_mode != END_REDIRECT)
		return false;
	server_mode = end_mode(server, 0);
	return server_mode == END_REDIRECT || (served && server_mode == END_LOCAL);
}

/* `flow` is that of the peer. */
static __always_inline bool is_pair_wanted(const struct flow *peer, bool client)
{
	return client ? is_wanted(&peer->remote, &peer->local, peer->local_port)
		      : is_wanted(&peer->local, &peer->remote, peer->remote_port);
}

static __always_inline bool is_measured(const struct redirected_key *account)
{
	struct measured_key key = { .service = account->service,
				    .service_generation = account->service_generation };

	return account->service_generation && bpf_map_lookup_elem(&measured, &key);
}

/* Judged anew when a table has changed. */
static __always_inline bool is_still_wanted(struct candidate *candidate,
					    const struct same_node_control *control)
{
	__u32 generation = control->generation;

	if (candidate->generation != generation) {
		candidate->wanted = is_pair_wanted(&candidate->peer, candidate->client);
		candidate->measured = is_measured(&candidate->account);
		candidate->generation = generation;
	}
	return candidate->wanted;
}

#endif
