/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * What was redirected counts for whoever asked. The agent adds it to the counters of Services and
 * backends itself, which lie in shared memory; those of callers lie in a hash map, where only a program
 * can add while others count.
 */
#ifndef SHUNT_SAME_NODE_CALLERS_H
#define SHUNT_SAME_NODE_CALLERS_H

#include "../account.h"

SEC("syscall")
int shunt_same_node_callers(struct redirected_growth *ctx)
{
	struct caller_stats *caller =
		caller_counters(ctx->key.cgroup, ctx->key.service, ctx->key.service_generation);

	if (!caller)
		return 0;
	ADD_ANY(caller->bytes_sent, ctx->bytes.bytes_sent);
	ADD_ANY(caller->bytes_received, ctx->bytes.bytes_received);
	return 0;
}

#endif
