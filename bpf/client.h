/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Who asks: for choices that differ by client. */
#ifndef SHUNT_CLIENT_H
#define SHUNT_CLIENT_H

#include "address.h"
#include "frontend.h"

/* Of this node: cookies of network namespaces are counted from 1 on each. */
const volatile __u32 client_salt = 0;

/* Two rounds of multiply and fold, so that each bit of the client moves each bit of the hash. */
static __always_inline __u32 hash_of(__u64 client)
{
	client ^= client >> 32;
	client *= 0xd6e8feb86659fd93ULL;
	client ^= client >> 32;
	client *= 0xd6e8feb86659fd93ULL;
	return client >> 32;
}

static __always_inline __u32 hash_of_pod(__u64 netns_cookie)
{
	return hash_of(netns_cookie ^ (__u64)client_salt << 32);
}

/* The same on every node. */
static __always_inline __u32 hash_of_address(const struct address *address)
{
	__u64 network = (__u64)address->word[0] << 32 | address->word[1];
	__u64 host = (__u64)address->word[2] << 32 | address->word[3];

	return hash_of(host ^ hash_of(network));
}

/* False: the socket may leave from any address. */
static __always_inline bool bound_address(struct bpf_sock_addr *ctx, struct address *address)
{
	struct bpf_sock *sk = ctx->sk;

	if (!sk)
		return false;
	if (sk->family == AF_INET) {
		*address = address_from_ipv4(sk->src_ip4);
		return address->word[3];
	}
	*address = (struct address){ .word = { sk->src_ip6[0], sk->src_ip6[1], sk->src_ip6[2],
					       sk->src_ip6[3] } };
	return address->word[0] | address->word[1] | address->word[2] | address->word[3];
}

static __always_inline __u32 client_hash(struct bpf_sock_addr *ctx, bool by_source)
{
	struct address source;

	if (by_source && bound_address(ctx, &source))
		return hash_of_address(&source);
	return hash_of_pod(bpf_get_netns_cookie(ctx));
}

/* Twice, for the reason that frontend.h gives. */
static __always_inline bool has_frontend(const struct frontend_key *key)
{
	return bpf_map_lookup_elem(&frontends, key) || bpf_map_lookup_elem(&frontends, key);
}

/*
 * The entry of the Pod that the running process is in, if it has one of its own: the deepest of those
 * levels at which some Pod has one. `key` is that of everybody. A call, for it is no business of most.
 */
static __noinline enum frontend_lookup find_for_client(const struct frontend_key *key, __u32 levels,
						       struct frontend *found)
{
	struct frontend_key own = *key;

	for (int level = FRONTEND_LEVELS - 1; level > 0; level--) {
		__u64 cgroup;

		if (!(levels >> level & 1))
			continue;
		cgroup = bpf_get_current_ancestor_cgroup_id(level);
		own.client[0] = cgroup;
		own.client[1] = cgroup >> 32;
		if (cgroup && has_frontend(&own))
			return find_frontend(&own, found);
	}
	return FRONTEND_NONE;
}

#endif
