// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * The choice alone: what bpf/hooks/connect.h does less everything that remembers and counts. It reads the tables of an
 * agent, and is the measure for what accounting costs. Beside it, programs that are called as often as those of
 * accounting and do nothing: what the kernel's statistics take themselves.
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

SEC("sockops")
int nothing_sockops(struct bpf_sock_ops *ctx)
{
	if (ctx->op == BPF_SOCK_OPS_TCP_CONNECT_CB)
		bpf_sock_ops_cb_flags_set(ctx, BPF_SOCK_OPS_STATE_CB_FLAG);
	return 1;
}

SEC("cgroup/sock_release")
int nothing_release(struct bpf_sock *ctx)
{
	return 1;
}

char LICENSE[] SEC("license") = "Dual BSD/GPL";
