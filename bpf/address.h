/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* Addresses of a bpf_sock_addr context to and from the one form of the tables. */
#ifndef SHUNT_ADDRESS_H
#define SHUNT_ADDRESS_H

#include "abi.h"
#include "kernel.h"

#define V4_MAPPED bpf_htonl(0x0000ffff)

static __always_inline struct address address_from_ipv4(__be32 ipv4)
{
	return (struct address){ .word = { 0, 0, V4_MAPPED, ipv4 } };
}

static __always_inline bool address_equal(const struct address *a, const struct address *b)
{
	return a->word[3] == b->word[3] && a->word[2] == b->word[2] && a->word[1] == b->word[1] &&
	       a->word[0] == b->word[0];
}

/* 4 also for IPv4-mapped IPv6: it is the family of the backends that counts. */
static __always_inline __u8 address_family(const struct address *address)
{
	return !address->word[0] && !address->word[1] && address->word[2] == V4_MAPPED ? 4 : 6;
}

/* `hook` (AF_INET or AF_INET6) is a constant: the verifier allows each hook only its own fields. */
static __always_inline struct address context_address(struct bpf_sock_addr *ctx, int hook)
{
	if (hook == AF_INET)
		return address_from_ipv4(ctx->user_ip4);
	return (struct address){ .word = { ctx->user_ip6[0], ctx->user_ip6[1], ctx->user_ip6[2],
					   ctx->user_ip6[3] } };
}

static __always_inline void set_context_address(struct bpf_sock_addr *ctx, int hook,
						const struct address *address, __be16 port)
{
	ctx->user_port = port;
	if (hook == AF_INET) {
		ctx->user_ip4 = address->word[3];
		return;
	}
	ctx->user_ip6[0] = address->word[0];
	ctx->user_ip6[1] = address->word[1];
	ctx->user_ip6[2] = address->word[2];
	ctx->user_ip6[3] = address->word[3];
}

#endif
