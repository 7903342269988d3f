// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * First response time of what goes by TCP, see exchange.h. Runs for each segment that an established
 * TCP socket of this node gets, before TCP looks at it: no other hook sees every answer when it
 * comes (docs/architecture.md has the others). So it is an object of its own, and attached only while
 * some Service asks for it.
 */
#include "exchange.h"
#include "layout.gen.h"

#include <bpf/bpf_tracing.h>

static __always_inline bool is_measured(const struct connection *connection)
{
	__u32 index = connection->service;
	const struct service *service = bpf_map_lookup_elem(&services, &index);

	return service && service->flags & SERVICE_MEASURED &&
	       service->generation == connection->service_generation;
}

/* A FIN is a byte of the sequence too; it is told from a byte by the length: headers are whole words. */
static __always_inline bool brings_payload(const struct tcp_sock *tcp, const struct sk_buff *skb)
{
	__u32 from = *(const __u32 *)&skb->cb[0];
	__u32 to = *(const __u32 *)&skb->cb[4];

	if ((__s32)(to - tcp->rcv_nxt) <= 0)
		return false;
	return to - from > 1 || (to - from == 1 && skb->len % 4);
}

static __always_inline void count_first_response(const struct connection *connection, __u64 took_us)
{
	__u32 index = connection->service;
	struct service_stats *stats = bpf_map_lookup_elem(&service_stats, &index);

	if (!stats)
		return;
	ADD(stats->first_response_ns, took_us * 1000);
	count_latency(stats->first_response, took_us * 1000);
}

SEC("tp_btf/tcp_probe")
int BPF_PROG(shunt_first_response, struct sock *sk, struct sk_buff *skb)
{
	__u64 cookie = sk->__sk_common.skc_cookie.counter;
	struct exchange *exchange;
	struct tcp_sock *tcp;
	struct place place;
	__s64 took_us;

	/* Most sockets are none of ours, and have none. */
	if (!cookie)
		return 0;
	exchange = exchange_find(cookie, &place);
	if (!exchange || !is_measured(place.connection))
		return 0;
	tcp = bpf_skc_to_tcp_sock(sk);
	if (!tcp)
		return 0;
	exchange_own(exchange, cookie, tcp->snd_una);
	exchange_forget_missed(exchange, tcp);
	if (exchange_is_new(exchange, tcp, tcp->snd_nxt))
		exchange_begin(exchange, tcp, tcp->first_tx_mstamp);
	if (!brings_payload(tcp, skb))
		return 0;
	took_us = exchange_end(exchange, tcp->snd_nxt);
	if (took_us >= 0)
		count_first_response(place.connection, took_us);
	return 0;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
