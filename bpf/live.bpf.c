// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Connections that go on: a walk over all open files finds their sockets, in whatever network
 * namespace, and counts what they have carried since the last walk. The agent asks for one every
 * few seconds. An object of its own: nothing is attached to anything, and a kernel that takes none of
 * it counts long connections when they end.
 */
#include "connection.h"
#include "layout.gen.h"

/*
 * The last byte each way is held back: a FIN counts as a byte, and may have come since the state was
 * looked at. The end of the connection, which holds the socket's lock, counts it.
 */
static __always_inline __u64 certain(__u64 bytes, __u64 signals)
{
	return bytes > signals ? bytes - signals : 0;
}

static __always_inline struct traffic traffic_so_far(const struct tcp_sock *tcp)
{
	return (struct traffic){
		.sent = certain(tcp->bytes_acked, 2), /* a SYN, and perhaps a FIN */
		.received = certain(tcp->bytes_received, 1),
		.retransmits = tcp->total_retrans,
		.rtt_us = tcp->srtt_us >> 3,
	};
}

/* See account.h for the order. */
static __always_inline void look_at(struct sock *sk, const struct tcp_sock *tcp)
{
	__u64 cookie = sk->__sk_common.skc_cookie.counter;
	struct connection connection;
	struct account *account;
	struct traffic traffic;
	struct tallies tallies;
	struct place place;

	if (!cookie || !connection_find(cookie, (struct bpf_sock *)sk, &place))
		return;
	connection = *place.connection;
	if (connection.state != CONNECTION_ACTIVE)
		return;
	account = bpf_sk_storage_get(&accounts, sk, NULL, BPF_SK_STORAGE_GET_F_CREATE);
	if (!account || READ_ONCE(*place.owner) != cookie)
		return;
	traffic = traffic_so_far(tcp);
	take_growth_of(account, &traffic);
	/* A socket may have many descriptors: the first one has the sample. Of one that rests there is none. */
	if (!traffic.sent && !traffic.received)
		traffic.rtt_us = 0;
	tallies = tallies_of(&connection, cgroup_of(sk));
	count_traffic(&tallies, &traffic);
}

SEC("iter/task_file")
int shunt_count_live(struct bpf_iter__task_file *ctx)
{
	struct file *file = ctx->file;
	struct socket *socket;
	struct tcp_sock *tcp;
	char seen = 1;

	if (!file)
		return 0;
	/* So that the walk can be done in steps: until the end of one no file is let go. */
	bpf_seq_write(ctx->meta->seq, &seen, sizeof(seen));
	socket = bpf_sock_from_file(file);
	if (!socket || !socket->sk)
		return 0;
	tcp = bpf_skc_to_tcp_sock(socket->sk);
	if (tcp)
		look_at(socket->sk, tcp);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
