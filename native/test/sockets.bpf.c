// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A walk over a map, and one that ends sockets: the former by every kernel, the latter since 6.5. */
#include <linux/bpf.h>
#include <stddef.h>
#include <bpf/bpf_helpers.h>

#define READ_ACCESS __attribute__((preserve_access_index))

struct sock_common {
	struct {
		__s64 counter;
	} skc_cookie;
} READ_ACCESS;

struct bpf_iter_meta {
	struct seq_file *seq;
} READ_ACCESS;

struct bpf_iter__udp {
	struct bpf_iter_meta *meta;
	struct udp_sock *udp_sk;
} READ_ACCESS;

struct bpf_iter__bpf_map_elem {
	struct bpf_iter_meta *meta;
	struct bpf_map *map;
	void *key;
	void *value;
} READ_ACCESS;

struct peer {
	__u8 address[16];
	__u16 port;
	__u16 zero;
};

struct {
	__uint(type, BPF_MAP_TYPE_HASH);
	__uint(max_entries, 1024);
	__type(key, __u64);
	__type(value, struct peer);
} targets SEC(".maps");

struct {
	__uint(type, BPF_MAP_TYPE_ARRAY);
	__uint(max_entries, 100000);
	__type(key, __u32);
	__type(value, __u64);
} numbers SEC(".maps");

extern int bpf_sock_destroy(struct sock_common *sk) __ksym __weak;

/* Trusts the map; comparing addresses is for programs that are meant to be used. */
SEC("?iter/udp")
int end_targets(struct bpf_iter__udp *context)
{
	struct sock_common *sk = (struct sock_common *)context->udp_sk;
	__u64 cookie;

	if (!sk)
		return 0;
	cookie = sk->skc_cookie.counter;
	if (bpf_map_lookup_elem(&targets, &cookie) && !bpf_sock_destroy(sk))
		bpf_map_delete_elem(&targets, &cookie);
	return 0;
}

/* Writes the numbers that are not 0. */
SEC("iter/bpf_map_elem")
int list_numbers(struct bpf_iter__bpf_map_elem *context)
{
	__u64 *number = context->value;

	if (number && *number)
		bpf_seq_write(context->meta->seq, number, sizeof(*number));
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
