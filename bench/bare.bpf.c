// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The least that a connect4 program for Services can do: one lookup with the key that Shunt uses,
 * and a rewrite. One endpoint per Service, no choice, nothing remembered, nothing counted.
 */
#include <linux/bpf.h>
#include <bpf/bpf_endian.h>
#include <bpf/bpf_helpers.h>

#include "../bpf/abi.h"

struct endpoint {
	__be32 address;
	__be32 port; /* as in bpf_sock_addr: a __be16 in the low half */
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1); /* set by the loader */
	__type(key, struct frontend_key);
	__type(value, struct endpoint);
} bare_frontends SEC(".maps");

SEC("cgroup/connect4")
int bare_connect4(struct bpf_sock_addr *ctx)
{
	struct frontend_key key = {
		.address.word = { 0, 0, bpf_htonl(0xffff), ctx->user_ip4 },
		.port = ctx->user_port,
		.protocol = ctx->protocol,
	};
	struct endpoint *endpoint = bpf_map_lookup_elem(&bare_frontends, &key);

	if (!endpoint)
		return 1;
	ctx->user_ip4 = endpoint->address;
	ctx->user_port = endpoint->port;
	return 1;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
