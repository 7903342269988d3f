/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * First response time of what goes socket to socket, see exchange.h: of that there are no segments. A
 * message of the client begins an exchange, by whichever way it goes; one of the server that is put
 * where the client reads ends it. What either sends by TCP is seen there.
 */
#ifndef SHUNT_SAME_NODE_ANSWER_H
#define SHUNT_SAME_NODE_ANSWER_H

#include "../exchange.h"
#include "ends.h"

static __always_inline void begin_exchange(const struct candidate *candidate,
					   const struct tcp_sock *own)
{
	struct exchange *exchange;
	struct place place;

	if (!candidate->measured)
		return;
	exchange = exchange_find(candidate->cookie, &place);
	if (!exchange)
		return;
	exchange_own(exchange, candidate->cookie, own->write_seq);
	exchange_forget_missed(exchange, own);
	if (!exchange->began_us)
		exchange_begin(exchange, own, bpf_ktime_get_ns() / 1000);
}

static __always_inline void count_answer(const struct redirected_key *account, __u64 took_us)
{
	struct measured_key key = { .service = account->service,
				    .service_generation = account->service_generation };
	struct answers *sum, none = {};

	sum = find_or_add(&answers, &key, &none);
	if (!sum)
		return;
	ADD(sum->first_response_ns, took_us * 1000);
	count_latency(sum->first_response, took_us * 1000);
}

/* What it answers may have gone by TCP just before the client was joined, and no segment may have come since. */
static __always_inline void end_exchange(const struct peer *client, const struct tcp_sock *tcp)
{
	struct place place;
	struct exchange *exchange = exchange_find(client->cookie, &place);
	__s64 took_us;

	if (!exchange || exchange->owner != (__u32)client->cookie)
		return;
	exchange_forget_missed(exchange, tcp);
	if (exchange_is_new(exchange, tcp, tcp->write_seq) && is_measured(&client->account))
		exchange_begin(exchange, tcp, tcp->first_tx_mstamp);
	took_us = exchange_end(exchange, tcp->write_seq);
	if (took_us >= 0)
		count_answer(&client->account, took_us);
}

#endif
