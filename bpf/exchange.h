/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * First response time. An exchange begins with the first byte that a client sends after it was
 * answered last, or after the handshake, and its first response time ends when the first byte of
 * payload comes from the backend. What a backend says unasked, and what was asked before an answer
 * came, is no exchange.
 *
 * Where it stands is remembered beside the place of the connection, so that whatever sees the answer
 * finds when it was asked for: TCP or the way from socket to socket, in any order.
 */
#ifndef SHUNT_EXCHANGE_H
#define SHUNT_EXCHANGE_H

#include "connection.h"

/* NULL where the socket has no place: in socket storage, nothing is measured. */
static __always_inline struct exchange *exchange_find(__u64 cookie, struct place *place)
{
	__u32 index = (__u32)cookie & connection_set_mask;
	struct exchange_set *set;

	if (!connection_find(cookie, NULL, place))
		return NULL;
	set = bpf_map_lookup_elem(&exchanges, &index);
	return set ? &set->way[place->way & (CONNECTION_WAYS - 1)] : NULL;
}

/* The place may have been another's. What was acknowledged before is nobody's to answer. */
static __always_inline void exchange_own(struct exchange *exchange, __u64 cookie, __u32 answered)
{
	if (exchange->owner == (__u32)cookie)
		return;
	exchange->began_us = 0;
	exchange->answered = answered;
	exchange->owner = cookie;
}

static __always_inline void exchange_begin(struct exchange *exchange, const struct tcp_sock *tcp,
					   __u64 began_us)
{
	exchange->received = tcp->rcv_nxt;
	exchange->began_us = began_us;
}

/* An answer came while nobody looked: as a program is replaced, or the policy said otherwise for a while. */
static __always_inline void exchange_forget_missed(struct exchange *exchange,
						   const struct tcp_sock *tcp)
{
	if (exchange->began_us && exchange->received != tcp->rcv_nxt)
		exchange->began_us = 0;
}

/*
 * What was sent by TCP, and whoever comes first after that notices: nothing of it has been acknowledged
 * yet, so the time is that of its first segment. `sent`: all that was ever sent by TCP.
 */
static __always_inline bool exchange_is_new(const struct exchange *exchange,
					    const struct tcp_sock *tcp, __u32 sent)
{
	return !exchange->began_us && sent != exchange->answered && sent != tcp->snd_una;
}

/* How long it took, or a negative number: the other way was faster, or nothing was asked. */
static __always_inline __s64 exchange_end(struct exchange *exchange, __u32 answered)
{
	__u64 began_us = READ_ONCE(exchange->began_us);
	__s64 took_us;

	if (!began_us || __sync_val_compare_and_swap(&exchange->began_us, began_us, 0) != began_us)
		return -1;
	exchange->answered = answered;
	took_us = bpf_ktime_get_ns() / 1000 - began_us;
	return took_us > 0 ? took_us : 0;
}

#endif
