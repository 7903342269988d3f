// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Walks over sockets, which the agent asks for when a backend of connected UDP sockets is gone. An
 * object of its own: nothing here is attached to anything, and a kernel that takes none of it
 * routes all the same.
 */
#include "address.h"

/* Sockets to be ended, by cookie: what each must still be connected to. An entry goes with it. */
struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64);
	__type(value, struct ending);
} endings SEC(".maps");

/* Since 6.5, and for walks over sockets alone. */
extern int bpf_sock_destroy(struct sock_common *sk) __ksym __weak;

static __always_inline struct address peer_address(const struct sock_common *sk)
{
	const struct in6_addr *ipv6 = &sk->skc_v6_daddr;

	if (sk->skc_family == AF_INET)
		return address_from_ipv4(sk->skc_daddr);
	return (struct address){ .word = { ipv6->in6_u.u6_addr32[0], ipv6->in6_u.u6_addr32[1],
					   ipv6->in6_u.u6_addr32[2], ipv6->in6_u.u6_addr32[3] } };
}

/* The socket may have turned elsewhere since it was put on the list. */
static __always_inline bool is_connected_to(const struct sock_common *sk, const struct ending *peer)
{
	struct address address = peer_address(sk);

	return sk->skc_state == BPF_TCP_ESTABLISHED && sk->skc_dport == peer->port &&
	       address_equal(&address, &peer->address);
}

/* The UDP sockets of the network namespace in which the walk was begun; the kernel holds each. */
SEC("iter/udp")
int shunt_end_sockets(struct bpf_iter__udp *ctx)
{
	struct sock_common *sk = (struct sock_common *)ctx->udp_sk;
	const struct ending *peer;
	__u64 cookie;

	if (!sk)
		return 0;
	cookie = sk->skc_cookie.counter;
	peer = cookie ? bpf_map_lookup_elem(&endings, &cookie) : NULL;
	if (peer && is_connected_to(sk, peer) && !bpf_sock_destroy(sk))
		bpf_map_delete_elem(&endings, &cookie);
	return 0;
}

/* The sockets of every network namespace that have an entry in `connections_overflow`. */
SEC("iter/bpf_sk_storage_map")
int shunt_list_overflow(struct bpf_iter__bpf_sk_storage_map *ctx)
{
	const struct connection_overflow *overflow = ctx->value;

	if (overflow && overflow->cookie && overflow->connection.protocol == IPPROTO_UDP)
		bpf_seq_write(ctx->meta->seq, overflow, sizeof(*overflow));
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
