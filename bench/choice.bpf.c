// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The choice alone: what bpf/hooks/connect.h does less everything that remembers and counts. It reads the tables of an
 * agent, and is the measure for what accounting costs.
 */
#include "../bpf/route.h"

SEC("cgroup/connect4")
int choice_connect4(struct bpf_sock_addr *ctx)
{
	struct frontend_key key = asked(ctx, AF_INET);
	struct choice choice = {};

	if (route(ctx, &key, false, &choice) == ROUTE_SEND)
		set_context_address(ctx, AF_INET, &choice.to->address, choice.to->port);
	return ALLOW;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
